# SPDX-License-Identifier: Apache-2.0
# The installed library: find_package(rcuvm) and pkg-config, both right wherever the prefix is moved to.

include(CMakePackageConfigHelpers)

set(rcuvm_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/rcuvm")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(TARGETS rcuvm EXPORT rcuvm_targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
                                           LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT rcuvm_targets FILE rcuvmTargets.cmake NAMESPACE rcuvm:: DESTINATION "${rcuvm_config_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/rcuvmConfig.cmake.in" "${PROJECT_BINARY_DIR}/rcuvmConfig.cmake"
                              INSTALL_DESTINATION "${rcuvm_config_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/rcuvmConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/rcuvmConfig.cmake" "${PROJECT_BINARY_DIR}/rcuvmConfigVersion.cmake"
        DESTINATION "${rcuvm_config_dir}")

# ${pcfiledir} keeps the .pc file right when the prefix moves; it takes one ".." per folder of its own path.
string(REGEX REPLACE "[^/]+" ".." rcuvm_pc_to_prefix "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
set(rcuvm_pc_cflags ${rcuvm_public_definitions})
list(TRANSFORM rcuvm_pc_cflags PREPEND "-D")
list(JOIN rcuvm_pc_cflags " " rcuvm_pc_cflags)
configure_file("${PROJECT_SOURCE_DIR}/cmake/rcuvm.pc.in" "${PROJECT_BINARY_DIR}/rcuvm.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/rcuvm.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

if(TARGET rcuvm_program)
  install(TARGETS rcuvm_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
if(TARGET rcuvm_explorer_program)
  install(TARGETS rcuvm_explorer_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
