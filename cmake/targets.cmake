# SPDX-License-Identifier: Apache-2.0
# How every target of this project is compiled, and the functions that make targets out of folders.

set(CMAKE_CXX_EXTENSIONS OFF)

# Macros that change what the headers mean: a consumer must see the same ones.
set(rcuvm_public_definitions)
if(RCUVM_RCU STREQUAL "qsbr")
  list(APPEND rcuvm_public_definitions RCUVM_RCU_QSBR)
endif()
if(RCUVM_ASSERTIONS)
  list(APPEND rcuvm_public_definitions RCUVM_ASSERTIONS)
endif()
if(RCUVM_CHECKED)
  list(APPEND rcuvm_public_definitions RCUVM_CHECKED)
endif()

set(rcuvm_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND rcuvm_warnings -Wno-restrict)  # false at -O2 for std::string's operator+ (GCC bug 105651)
endif()
if(RCUVM_WERROR)
  list(APPEND rcuvm_warnings -Werror)
endif()

# A sanitizer must see every object file of the program, so it is set for the whole directory.
if(RCUVM_SANITIZE)
  add_compile_options(-fsanitize=${RCUVM_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RCUVM_SANITIZE})
  add_library(rcuvm_sanitizer_defaults OBJECT "${PROJECT_SOURCE_DIR}/tests/sanitizer_defaults.cpp")
endif()

# ThreadSanitizer's shadow memory has fixed places. Kernels that randomise more than 28 bits (vm.mmap_rnd_bits)
# may put the program on top of them, so its tests run without randomisation where that can be had.
if(RCUVM_SANITIZE MATCHES "thread")
  execute_process(COMMAND setarch -R true RESULT_VARIABLE rcuvm_setarch_failed OUTPUT_QUIET ERROR_QUIET)
  if(NOT rcuvm_setarch_failed)
    set(CMAKE_CROSSCOMPILING_EMULATOR setarch -R)
  endif()
endif()

# Private flags: none of them reaches a consumer.
function(rcuvm_configure_target target)
  target_compile_options(${target} PRIVATE ${rcuvm_warnings})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # KiB before the compiler first collects its garbage, four times the default: a tenth of the time of a template-heavy source.
    target_compile_options(${target} PRIVATE --param=ggc-min-heapsize=524288)
  endif()
  if(RCUVM_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  endif()
  if(RCUVM_ASSERTIONS)
    target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  endif()
endfunction()

function(rcuvm_configure_program target)
  rcuvm_configure_target(${target})
  if(RCUVM_SANITIZE)
    target_link_libraries(${target} PRIVATE rcuvm_sanitizer_defaults)
  endif()
endfunction()

# The headers that most sources include, read once where RCUVM_PRECOMPILED is on: that saves clang a quarter of the build, and makes
# that of g++ a third longer. The presets of g++ do without, and see to it that each file includes what it uses.
set(rcuvm_common_headers <algorithm> <array> <expected> <functional> <map> <memory> <optional> <random> <set> <span> <string>
                         <string_view> <tuple> <utility> <vector>)

function(rcuvm_precompile target)  # [HEADER...]: beside the common ones
  if(RCUVM_PRECOMPILED)
    target_precompile_headers(${target} PRIVATE ${rcuvm_common_headers} ${ARGN})
  endif()
endfunction()

# A library of every source below FOLDER, but for the files EXCEPT and those in FOLDERS.
function(rcuvm_add_library target folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "EXCEPT;FOLDERS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
  list(REMOVE_ITEM sources ${arg_EXCEPT})
  foreach(excluded IN LISTS arg_FOLDERS)
    list(FILTER sources EXCLUDE REGEX "^${excluded}/")
  endforeach()
  add_library(${target} ${sources})
  rcuvm_configure_target(${target})
endfunction()

# What a result file must say about how the program was built.
function(rcuvm_describe_build target)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  string(JOIN " " flags "-std=c++23" ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}})
  if(RCUVM_NATIVE)
    string(APPEND flags " -march=native")
  endif()
  if(RCUVM_SANITIZE)
    string(APPEND flags " -fsanitize=${RCUVM_SANITIZE}")
  endif()
  target_compile_definitions(${target} PUBLIC "RCUVM_BUILD_FLAGS=\"${flags}\"" "RCUVM_BUILD_VERSION=\"${PROJECT_VERSION}\""
                                              "RCUVM_URCU_VERSION=\"${rcuvm_urcu_VERSION}\"")
endfunction()

# The second life of the library's sources: with every atomic, lock, RCU call, allocation and free going through the
# explorer's scheduler, and a call before every load and store (explore/engine/instrument.cpp answers it).
# The macro would make the sources believe that ThreadSanitizer itself is there; fences go to the scheduler before they are
# made, so it does not matter that the instrumentation does not know them.
set(rcuvm_instrumentation -fsanitize=thread --param tsan-instrument-func-entry-exit=0 -U__SANITIZE_THREAD__ -Wno-tsan)

# Always optimized: a search that is three times slower proves three times less. -g, and a frame for each call, for the stories.
function(rcuvm_configure_explored target)
  target_compile_definitions(${target} PUBLIC RCUVM_CHECKED RCUVM_EXPLORED RCUVM_ASSERTIONS)
  target_compile_options(${target} PRIVATE -O2 -g -fno-omit-frame-pointer -fno-optimize-sibling-calls)
endfunction()

function(rcuvm_instrument target)
  string(REPLACE ";" " " flags "${rcuvm_instrumentation}")
  target_compile_options(${target} PRIVATE "SHELL:${flags}")
endfunction()
