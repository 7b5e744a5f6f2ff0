# Builds for 64-bit Arm with Debian's cross compiler (gcc-aarch64-linux-gnu):
#   cmake --toolchain tests/aarch64/toolchain.cmake -B build-arm -G Ninja
# Libraries come from make-sysroot.sh's folder, or from the system's own arm64 packages where that folder was not made. Tests
# run under qemu-aarch64 (qemu-user).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

if(DEFINED ENV{XDG_CACHE_HOME})
    set(sysroot $ENV{XDG_CACHE_HOME}/ringside/sysroot-arm64)
else()
    set(sysroot $ENV{HOME}/.cache/ringside/sysroot-arm64)
endif()
if(EXISTS ${sysroot}/version)
    set(CMAKE_SYSROOT ${sysroot})
    set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
    set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
    set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
else()
    set(sysroot "")
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${sysroot}/usr/lib/aarch64-linux-gnu/pkgconfig:${sysroot}/usr/share/pkgconfig)

find_program(QEMU_AARCH64 NAMES qemu-aarch64 qemu-aarch64-static)
if(QEMU_AARCH64)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${QEMU_AARCH64} -L ${sysroot}/)
endif()
