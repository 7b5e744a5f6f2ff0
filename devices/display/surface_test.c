/*
 * surface_test.c: PNG and PPM files hold the picture; the EDID adds up.
 */
#include "devices/display/surface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "cpu/base/bits.h"
#include "devices/display/edid.h"

static struct surface sample(u32 width, u32 height)
{
    struct surface s = {0};
    surface_resize(&s, width, height);
    for (u32 i = 0; i < width * height; i++) {
        s.pixels[i] = 0xff000000u | i * 0x010305u;
    }
    return s;
}

static u32 be32(const u8 *p)
{
    return (u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void png(void **state)
{
    struct surface s = sample(37, 11);
    struct blob file = {0};
    u8 raw[11 * (37 * 3 + 1)];
    uLongf size = sizeof raw;
    (void)state;
    surface_to_png(&s, &file);
    assert_memory_equal(file.data, "\x89PNG\r\n\x1a\n", 8);
    assert_int_equal(be32(file.data + 16), 37);
    assert_int_equal(be32(file.data + 20), 11);
    u32 length = be32(file.data + 33);
    assert_memory_equal(file.data + 37, "IDAT", 4);
    assert_int_equal(be32(file.data + 41 + length), crc32(0, file.data + 37, length + 4));
    assert_int_equal(uncompress(raw, &size, file.data + 41, length), Z_OK);
    assert_int_equal(size, sizeof raw);
    for (u32 y = 0; y < 11; y++) {
        u8 *line = raw + y * 112;
        assert_int_equal(line[0], 2);
        for (u32 i = 1; y && i < 112; i++) {
            line[i] = (u8)(line[i] + raw[(y - 1) * 112 + i]);
        }
        for (u32 x = 0; x < 37; x++) {
            u32 p = s.pixels[y * 37 + x];
            assert_int_equal(line[1 + x * 3] << 16 | line[2 + x * 3] << 8 | line[3 + x * 3],
                             p & 0xffffff);
        }
    }
    assert_int_equal(file.size, 41 + length + 4 + 12);
    blob_free(&file);
    surface_free(&s);
}

static void ppm(void **state)
{
    struct surface s = sample(3, 2);
    struct blob file = {0};
    (void)state;
    surface_to_ppm(&s, &file);
    assert_memory_equal(file.data, "P6\n3 2\n255\n\0\0\0\1\3\5", 17);
    assert_int_equal(file.size, 11 + 18);
    blob_free(&file);
    surface_free(&s);
}

static void files(void **state)
{
    struct surface s = sample(3, 2);
    struct error err = {0};
    char path[] = "/tmp/surface-test-XXXXXX.png";
    int fd = mkstemps(path, 4);
    (void)state;
    assert_true(fd >= 0);
    assert_true(surface_write(&s, path, &err));
    assert_true(lseek(fd, 0, SEEK_END) > 50);
    close(fd);
    unlink(path);
    assert_false(surface_write(&s, "/nonexistent/x.ppm", &err));
    assert_non_null(strstr(err.text, "/nonexistent/x.ppm"));
    surface_free(&s);
}

static void edid(void **state)
{
    u8 e[EDID_SIZE], sum = 0;
    (void)state;
    edid_build(e, 1024, 768);
    for (unsigned i = 0; i < EDID_SIZE; i++) {
        sum += e[i];
    }
    assert_int_equal(sum, 0);
    assert_memory_equal(e, "\0\xff\xff\xff\xff\xff\xff\0", 8);
    assert_int_equal(e[56] | (e[58] & 0xf0) << 4, 1024);
    assert_int_equal(e[59] | (e[61] & 0xf0) << 4, 768);
    assert_int_equal(load16(e + 54), (1024 + 160) * (768 + 30) * 60 / 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png),
        cmocka_unit_test(ppm),
        cmocka_unit_test(files),
        cmocka_unit_test(edid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
