# The Debian packages, of a tree that is configured for the prefix /usr:
#   cmake -S . -B build/package -DCMAKE_INSTALL_PREFIX=/usr -DSHMCONF_BUILD_TESTS=OFF -DSHMCONF_BUILD_PYTHON=ON -DSHMCONF_BUILD_NODE=ON
#   cmake --build build/package --parallel 2 --target package
# A component of `cmake --install` is a package; what only Debian wants in it is left out of a full install.
set(SHMCONF_MAINTAINER "shmconf maintainers <maintainers@shmconf.example>" CACHE STRING "Maintainer of the Debian packages")

set(CPACK_GENERATOR DEB)
set(CPACK_PROJECT_CONFIG_FILE "${CMAKE_CURRENT_LIST_DIR}/require_usr.cmake")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX "${CMAKE_INSTALL_PREFIX}")
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_PACKAGE_CONTACT "${SHMCONF_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package brings its own
set(CPACK_COMPONENTS_GROUPING ONE_PER_COMPONENT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(changelog "${CMAKE_CURRENT_BINARY_DIR}/changelog.gz")
add_custom_command(OUTPUT "${changelog}" COMMAND gzip -9nc "${CMAKE_CURRENT_LIST_DIR}/changelog" > "${changelog}"
  DEPENDS changelog VERBATIM)
add_custom_target(shmconf_changelog ALL DEPENDS "${changelog}")

# debian_package(COMPONENT NAME SECTION [DEPENDS ...] [RECOMMENDS ...] DESCRIPTION synopsis and text):
# maintainer scripts and Lintian's overrides stand in a folder of its name.
macro(debian_package component name section)
  cmake_parse_arguments(arg "" "DEPENDS;RECOMMENDS;SUGGESTS" "DESCRIPTION" ${ARGN})
  string(TOUPPER ${component} upper)
  list(APPEND CPACK_COMPONENTS_ALL ${component})
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${arg_DEPENDS}")
  set(CPACK_DEBIAN_${upper}_PACKAGE_RECOMMENDS "${arg_RECOMMENDS}")
  set(CPACK_DEBIAN_${upper}_PACKAGE_SUGGESTS "${arg_SUGGESTS}")
  list(JOIN arg_DESCRIPTION "\n" CPACK_COMPONENT_${upper}_DESCRIPTION)
  file(GLOB CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA CONFIGURE_DEPENDS
    "${CMAKE_CURRENT_LIST_DIR}/${name}/p*inst" "${CMAKE_CURRENT_LIST_DIR}/${name}/p*rm" "${CMAKE_CURRENT_LIST_DIR}/${name}/triggers")
  install(FILES copyright "${changelog}" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/${name}" COMPONENT ${component}
    EXCLUDE_FROM_ALL)
  if(EXISTS "${CMAKE_CURRENT_LIST_DIR}/${name}/lintian-overrides")
    install(FILES ${name}/lintian-overrides DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides" RENAME ${name}
      COMPONENT ${component} EXCLUDE_FROM_ALL)
  endif()
endmacro()

set(purpose
  "A sidecar beside a service mirrors the Consul KV prefixes that the service"
  "needs into shared memory, and keeps a copy on disk. The service reads it"
  "without network, lock, parser or Consul client, and goes on with the last"
  "configuration while Consul or the sidecar are away.\n")
if(SHMCONF_BUILD_SIDECAR)
  debian_package(sidecar shmconf net RECOMMENDS "ca-certificates" SUGGESTS "libshmconf-dev, python3-shmconf, node-shmconf"
    DESCRIPTION "Consul configuration at memory speed" ${purpose}
    "This package has the program: the sidecar, the tools that read and wait,"
    "and a unit for systemd that is started for each service by its name.")
  # A full install keeps to its prefix; this is no part of it.
  install(DIRECTORY DESTINATION /etc/shmconf COMPONENT sidecar EXCLUDE_FROM_ALL)
endif()
debian_package(library libshmconf0 libs
  DESCRIPTION "Consul configuration at memory speed: shared library" ${purpose}
  "This package has the library that services in C and C++ read with.")
# For dpkg-shlibdeps, in packages that link the library.
file(CONFIGURE OUTPUT shlibs CONTENT "libshmconf ${PROJECT_VERSION_MAJOR} libshmconf0 (>= ${PROJECT_VERSION})\n")
list(APPEND CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_BINARY_DIR}/shlibs")
debian_package(development libshmconf-dev libdevel DEPENDS "libshmconf0 (= ${PROJECT_VERSION})" RECOMMENDS "shmconf"
  DESCRIPTION "Consul configuration at memory speed: development files" ${purpose}
  "This package has the headers for C and C++, the static library, and the"
  "files for CMake and pkg-config.")
if(SHMCONF_BUILD_PYTHON)
  # The extension keeps to the stable ABI: it serves every interpreter, whichever it was built with.
  debian_package(python python3-shmconf python DEPENDS "python3 (>= 3.9)" RECOMMENDS "shmconf"
    DESCRIPTION "Consul configuration at memory speed: package for Python 3" ${purpose}
    "This package has the configuration as an object of Python.")
endif()
if(SHMCONF_BUILD_NODE)
  # So does the addon, with Node-API.
  debian_package(node node-shmconf javascript DEPENDS "nodejs (>= 18)" RECOMMENDS "shmconf"
    DESCRIPTION "Consul configuration at memory speed: package for Node" ${purpose}
    "This package has the configuration as an object of JavaScript.")
endif()

include(CPack)
