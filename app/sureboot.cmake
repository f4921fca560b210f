# The application kit for a CMake project, CubeMX's included:
#     include(sureboot/sureboot.cmake)
#     sureboot_add(${CMAKE_PROJECT_NAME})
set(SUREBOOT_DIR ${CMAKE_CURRENT_LIST_DIR})

function(sureboot_add target)
    target_sources(${target} PRIVATE ${SUREBOOT_DIR}/sureboot.c)
    target_include_directories(${target} PRIVATE ${SUREBOOT_DIR})
    # Without nmagic a linker with large pages puts the ELF file's headers where the bootloader is.
    target_link_options(${target} PRIVATE -T${SUREBOOT_DIR}/sureboot.ld -Wl,--nmagic)
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${SUREBOOT_DIR}/sureboot.ld)
endfunction()
