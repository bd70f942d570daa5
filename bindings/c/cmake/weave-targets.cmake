# The CMake targets, the same for an installed package and for a checkout. Who includes this has set WEAVE_LIBRARY_DIR,
# WEAVE_INCLUDE_DIRS and weave_VERSION_MAJOR.
#
#   weave::weave        the shared library
#   weave::static       the static one, with what it needs of the system
#   weave::cpp          the C++17 headers, with the shared library
#   weave::cpp_static   the C++17 headers, with the static one

# The file itself, for who installs it beside a program.
get_filename_component(weave_library "${WEAVE_LIBRARY_DIR}/libweave.so" REALPATH)
add_library(weave::weave SHARED IMPORTED)
set_target_properties(weave::weave PROPERTIES
  IMPORTED_LOCATION "${weave_library}"
  IMPORTED_SONAME "libweave.so.${weave_VERSION_MAJOR}"
  INTERFACE_INCLUDE_DIRECTORIES "${WEAVE_INCLUDE_DIRS}")

add_library(weave::static STATIC IMPORTED)
set_target_properties(weave::static PROPERTIES
  IMPORTED_LOCATION "${WEAVE_LIBRARY_DIR}/libweave.a"
  INTERFACE_INCLUDE_DIRECTORIES "${WEAVE_INCLUDE_DIRS}"
  INTERFACE_LINK_LIBRARIES "dl;-pthread") # as in weave.pc.in

add_library(weave::cpp INTERFACE IMPORTED)
set_target_properties(weave::cpp PROPERTIES
  INTERFACE_COMPILE_FEATURES cxx_std_17
  INTERFACE_LINK_LIBRARIES weave::weave)

add_library(weave::cpp_static INTERFACE IMPORTED)
set_target_properties(weave::cpp_static PROPERTIES
  INTERFACE_COMPILE_FEATURES cxx_std_17
  INTERFACE_LINK_LIBRARIES weave::static)
