# cmake -DCOMPILER=... -DROOT=... -DSOURCE=... -P check.cmake: SOURCE must compile, and with TOCSIN_FAIL must use a deleted
# function.
set(command "${COMPILER}" -std=c++20 -fsyntax-only "-I${ROOT}")

execute_process(COMMAND ${command} "${SOURCE}" RESULT_VARIABLE result ERROR_VARIABLE messages)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} does not compile:\n${messages}")
endif()

execute_process(COMMAND ${command} -DTOCSIN_FAIL "${SOURCE}" RESULT_VARIABLE result ERROR_VARIABLE messages)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles with TOCSIN_FAIL: the function is not deleted for temporaries")
endif()
# g++: `use of deleted function`; clang: `call to deleted member function`.
if(NOT messages MATCHES "(use of|call to) deleted (member )?function")
  message(FATAL_ERROR "${SOURCE} with TOCSIN_FAIL fails for another reason:\n${messages}")
endif()
