// The commit that the program was built from. The version is the macro TOCSIN_VERSION.
#pragma once

namespace tocsin {

/// `2b2123f4e0ab`, with `-dirty` appended if the checkout had uncommitted changes; `unknown` if it
/// was built outside a git checkout or without git.
extern const char* const kBuildCommit;

}  // namespace tocsin
