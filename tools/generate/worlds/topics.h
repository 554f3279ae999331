// The topics that worlds are made of. Each adds `count` services and what happens to them.
#pragma once

#include "tools/generate/worlds/builder.h"

namespace tocsin::generate {

// rhythms.cpp
void add_weekend(Builder& builder, int count);
void add_office(Builder& builder, int count);
void add_clocks(Builder& builder, int count);
void add_holidays(Builder& builder, int count);
void add_batches(Builder& builder, int count);

// volumes.cpp
void add_sparse(Builder& builder, int count);
void add_growth(Builder& builder, int count);
void add_bursts(Builder& builder, int count);
void add_cron(Builder& builder, int count);
void add_transactions(Builder& builder, int count);

// changes.cpp
void add_deployments(Builder& builder, int count);
void add_releases(Builder& builder, int count);
void add_renames(Builder& builder, int count);

// hosts.cpp
void add_hosts(Builder& builder, int count);
void add_autoscaling(Builder& builder, int count);
void add_skew(Builder& builder, int count);

// collection.cpp
void add_maintenance(Builder& builder, int count);
void add_outages(Builder& builder, int count);

// values.cpp
void add_rare_errors(Builder& builder, int count);
void add_zeros(Builder& builder, int count);
void add_heavy_tails(Builder& builder, int count);

/// Draws the zone of the world, one with clock changes. kNotFound if the system lacks it.
Status draw_zone(Builder& builder);

}  // namespace tocsin::generate
