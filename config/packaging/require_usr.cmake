# Read by cpack before it packs: paths were fixed when the tree was configured.
if(NOT CPACK_INSTALL_PREFIX STREQUAL "/usr")
  message(FATAL_ERROR "this tree is configured for ${CPACK_INSTALL_PREFIX}: Debian's packages are made from one that is "
    "configured with -DCMAKE_INSTALL_PREFIX=/usr")
endif()
