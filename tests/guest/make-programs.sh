#!/bin/bash
# Builds test programs of others and puts them, with a small Debian to run them in, on a disk image for programs.py: the long form of
# the tests of guest programs.
#
#   make-programs.sh amd64|i386      Prints the image's path.
#
#   libm     glibc's own tests of the mathematical library (libm-test-*: 44 functions in float, double and long double), compiled
#            against the installed libm of the same version; glibc itself is not built
#   gmp      libgmp's `make check`, of a library with code for every processor (--enable-fat)
#   openssl  OpenSSL's tests that need no certificates: all of evp_test's and bntest's data, and some 50 programs
#   stress   stress-ng --verify, every method of cpu, vm and others
#
# Needs root (debootstrap and chroot), deb-src of Debian bookworm, debootstrap, mke2fs, python3; half an hour and 4 GB. Kept in
# ${XDG_CACHE_HOME:-~/.cache}/ringside/programs-ARCH.
set -euo pipefail

arch=${1:?usage: make-programs.sh amd64|i386}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/apt.sh"
. "$here/once.sh"
case $arch in
amd64)
    openssl=linux-x86_64 gmp=x86_64-pc-linux-gnu as=
    sysdeps="x86_64/fpu x86_64 x86/fpu x86 ieee754/ldbl-96 ieee754/float128 ieee754 generic" ulps=x86_64/fpu ;;
i386)
    openssl=linux-elf gmp=i686-pc-linux-gnu as=linux32
    sysdeps="i386/i686/fpu i386/fpu i386 x86/fpu x86 ieee754/ldbl-96 ieee754/float128 ieee754 generic" ulps=i386/i686/fpu/multiarch ;;
*) echo "make-programs.sh: no such architecture: $arch" >&2; exit 1 ;;
esac

once_made "programs-$arch" 1 disk.img # the number: raise it to have it made again
[ "$(id -u)" = 0 ] || { echo "make-programs.sh: this needs root" >&2; exit 1; }
for tool in debootstrap mke2fs python3; do
    command -v $tool > /dev/null || { echo "make-programs.sh: there is no $tool" >&2; exit 1; }
done
once_begin

echo "building test programs for $arch ..." >&2
private_apt "$work/apt" amd64
sed 's/^deb /deb-src /' "$work/apt/etc/sources.list" > "$work/apt/etc/sources.list.new"
cat "$work/apt/etc/sources.list.new" >> "$work/apt/etc/sources.list"
mirror=$(sed -n 's/^deb .*] \([^ ]*\) .*/\1/p' "$work/apt/etc/sources.list" | head -1)
apt-get update -qq >&2
(cd "$work" && apt-get source -qq --download-only gmp openssl glibc >&2)
unset APT_CONFIG
root=$work/root
debootstrap --arch="$arch" --variant=minbase --include=gcc,libc6-dev,make,m4,perl,stress-ng,procps,file bookworm "$root" "$mirror" \
    > "$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; exit 1; }
unpack() { # NAME: its original source, in /src/NAME
    mkdir -p "$root/src/$1"
    tar -xf "$(ls "$work/$1"_*.orig.tar.?z | head -1)" -C "$root/src/$1" --strip-components=1
}
inside() { # COMMAND: in the new system
    $as chroot "$root" sh -ec "$1" >> "$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
}
mkdir -p "$root"/judges/{libm,gmp,openssl/test/recipes}

unpack gmp
mkdir -p "$root/src/gmp/doc"
printf 'all check install clean distclean:\n' > "$root/src/gmp/doc/Makefile.in" # Debian leaves the manual out
inside "cd /src/gmp && ./configure --build=$gmp --enable-fat --disable-shared MAKEINFO=true && make -j2 MAKEINFO=true &&
    make -j2 check TESTS= MAKEINFO=true"
for folder in . mpn mpz mpq mpf rand misc; do
    mkdir -p "$root/judges/gmp/$folder"
    find "$root/src/gmp/tests/$folder" -maxdepth 1 -type f -executable ! -name '*.sh' -exec cp {} "$root/judges/gmp/$folder/" \;
done

unpack openssl
inside "cd /src/openssl && perl ./Configure $openssl no-shared no-module && make -j2 build_programs"
# Those that need no files, which other tests make of certificates and scripts.
for name in aesgcmtest asn1_decode_test asn1_encode_test asn1_internal_test asn1_string_table_test asn1_time_test asynctest bad_dtls_test \
    bftest bioprinttest bn_internal_test bntest casttest chacha_internal_test cipherbytes_test cmac_test cmactest constant_time_test \
    context_internal_test crltest ctype_internal_test curve448_internal_test destest dhtest drbgtest dsa_no_digest_size_test dsatest \
    ec_internal_test ecdsatest ectest errtest evp_extra_test evp_extra_test2 evp_libctx_test evp_pkey_dparams_test evp_test \
    exdatatest exptest ffc_internal_test gmdifftest hexstr_test hmactest ideatest igetest lhash_test mdc2_internal_test mdc2test \
    modes_internal_test namemap_internal_test packettest param_build_test params_test pkcs12_format_test poly1305_internal_test \
    property_test rand_test rc2test rc4test rc5test rdrand_sanitytest rsa_mp_test rsa_sp800_56b_test rsa_test sanitytest secmemtest sha_test \
    siphash_internal_test sm2_internal_test sm3_internal_test sm4_internal_test sparse_array_test srptest stack_test time_offset_test \
    v3nametest wpackettest x509_internal_test x509_time_test; do
    [ ! -x "$root/src/openssl/test/$name" ] || cp "$root/src/openssl/test/$name" "$root/judges/openssl/test/"
done
cp -r "$root"/src/openssl/test/recipes/{30-test_evp_data,10-test_bn_data} "$root/judges/openssl/test/recipes/"

unpack glibc
math=$root/src/glibc/math libm=$root/src/libm
auto="acos asin atan atan2 cbrt cos cosh erf exp exp10 exp2 expm1 fma hypot log log10 log1p log2 pow sin sincos sinh sqrt tan tanh tgamma"
noauto="ceil floor fmod frexp llrint lrint nearbyint remainder remquo rint round roundeven scalbn trunc logb modf nextafter fmin"
mkdir -p "$libm/include"
# Only the headers that the tests ask for: glibc's others must not stand before the installed ones.
for header in tininess nan-high-order-bit nan-pseudo-number nan-sign fp-type math_ldbl math-tests math-tests-exceptions math-tests-rounding \
    math-tests-snan math-tests-snan-cast math-tests-snan-payload math-tests-trap math-tests-trap-force; do
    for folder in $sysdeps; do
        [ ! -e "$root/src/glibc/sysdeps/$folder/$header.h" ] || { cp "$root/src/glibc/sysdeps/$folder/$header.h" "$libm/include/"; break; }
    done
done
cp "$root/src/glibc/sysdeps/generic/math-tests-arch.h" "$libm/include/"
cp "$math"/test-*.h "$math"/libm-test-support.[ch] "$math/libm-test-driver.c" "$libm/"
printf '#include <features.h>\n#include <stdbool.h>\n#define attribute_hidden\n' > "$libm/include/before.h"
echo '#define array_length(a) (sizeof(a) / sizeof((a)[0]))' >> "$libm/include/before.h"
(
    cd "$math"
    python3 gen-libm-test.py -u "../sysdeps/$ulps/libm-test-ulps" -H "$libm/libm-test-ulps.h"
    for f in $auto; do
        python3 gen-libm-test.py -c "libm-test-$f.inc" -a "auto-libm-test-out-$f" -C "$libm/libm-test-$f.c"
    done
    for f in $noauto; do
        python3 gen-libm-test.py -c "libm-test-$f.inc" -a /dev/null -C "$libm/libm-test-$f.c"
    done
)
for type in float double ldouble; do
    printf '#include <test-%s.h>\n#include <libm-test-support.c>\n' $type > "$libm/support-$type.c"
    for f in $auto $noauto; do
        printf '#include <%s>\n' test-$type.h test-math-exceptions.h test-math-errno.h test-math-scalar.h "libm-test-$f.c" \
            > "$libm/test-$type-$f.c"
    done
done
inside 'cd /src/libm && for file in test-*.c; do
    name=${file%.c} type=${file#test-}
    gcc -std=gnu11 -O1 -w -D_GNU_SOURCE -I. -Iinclude -include before.h -fno-inline -ffloat-store -fno-builtin -frounding-math \
        -o /judges/libm/$name $file support-${type%%-*}.c -lm
done'

cp "$here/programs-run" "$root/judges/run"
chmod 755 "$root/judges/run"
find "$root/judges" -type f -executable ! -name run -exec strip {} + 2>/dev/null || true
rm -rf "$root/src" "$root"/var/cache/apt "$root"/var/lib/apt/lists "$root"/usr/share/{doc,man,locale,info} "$root"/usr/lib/gcc
mkdir "$work/out"
size=$(($(du -sm "$root" | cut -f1) * 108 / 100 + 60))
truncate -s ${size}M "$work/out/disk.img"
mke2fs -q -F -t ext4 -O ^metadata_csum,^orphan_file -m 0 -d "$root" "$work/out/disk.img"
once_keep
