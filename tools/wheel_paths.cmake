# Lets CMake use the ROS 2 wheels from PyPI: passed as -DCMAKE_PROJECT_INCLUDE=<this file>.
#
# The wheels were built under /opt/python, and their exported targets still name its include
# folders. CMake refuses to generate when an imported target names a folder that does not exist,
# so every missing one is dropped here; the right ones come from find_package(Python3). Neither
# the installed wheels nor any CMakeLists.txt has to be touched, and with an apt-installed ROS,
# where all folders exist, this file would change nothing.

function(drop_missing_include_directories)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT folders)
      continue()
    endif()
    set(kept "")
    foreach(folder IN LISTS folders)
      # Generator expressions cannot be looked up at configure time.
      if(folder MATCHES "^\\$<" OR EXISTS "${folder}")
        list(APPEND kept "${folder}")
      endif()
    endforeach()
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${kept}")
  endforeach()
endfunction()

# Deferred to the end of the directory: only then are all packages found. Once per directory is
# enough, although this file is read at every project() call.
cmake_language(DEFER CALL drop_missing_include_directories)
