# SPDX-License-Identifier: Apache-2.0
# What rcuvm is built from. What the library's users need too is repeated in rcuvmConfig.cmake.in and rcuvm.pc.in.

if(NOT RCUVM_RCU MATCHES "^(memb|qsbr)$")
  message(FATAL_ERROR "RCUVM_RCU is '${RCUVM_RCU}'; it can be memb or qsbr")
endif()

find_package(PkgConfig REQUIRED)
pkg_check_modules(rcuvm_urcu REQUIRED IMPORTED_TARGET liburcu-${RCUVM_RCU})
pkg_check_modules(rcuvm_hwy REQUIRED IMPORTED_TARGET libhwy)
if(RCUVM_EXPLORER)
  find_package(Boost 1.74 REQUIRED COMPONENTS context)
else()
  find_package(Boost 1.74 REQUIRED)
endif()
find_package(Threads REQUIRED)

if(RCUVM_PROGRAM OR RCUVM_TESTS OR RCUVM_BENCHMARKS)
  find_package(CLI11 REQUIRED)
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(LibLZMA REQUIRED)
endif()

if(RCUVM_BENCHMARKS)
  find_package(benchmark 1.7 REQUIRED)
  find_package(absl REQUIRED)
  find_package(TBB REQUIRED)
endif()
