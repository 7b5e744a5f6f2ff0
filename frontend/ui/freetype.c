/*
 * freetype.c: see freetype.h. FreeType 2 API Reference; fonts are where Debian's packages put them.
 */
#include "frontend/ui/freetype.h"


#ifdef RINGSIDE_FREETYPE

#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <ft2build.h>
#include FT_FREETYPE_H

#include "cpu/base/mem.h"

#define PACKAGES "apt-get install fonts-naver-d2coding libfreetype6"

#define FUNCTIONS(X) X(Init_FreeType) X(Done_FreeType) X(New_Face) X(Done_Face) X(Set_Pixel_Sizes) X(Get_Char_Index) X(Load_Glyph)

struct functions {
#define X(name) __typeof__(&FT_##name) name;
    FUNCTIONS(X)
#undef X
};

struct typeface {
    struct functions ft;
    FT_Library library;
    FT_Face plain, bold; /* bold NULL: the font has none */
};

/* In order of preference: D2Coding and Nanum Gothic Coding are made for terminals, Hangul two cells wide. The two styles are files,
 * or parts of one. */
static const struct {
    const char *plain, *bold;
    int bold_part;
} fonts[] = {
    {"/usr/share/fonts/truetype/naver-d2coding/*.ttc", NULL, 1},
    {"/usr/share/fonts/truetype/nanum/NanumGothicCoding.ttf", "/usr/share/fonts/truetype/nanum/NanumGothicCodingBold.ttf", 0},
    {"/usr/share/fonts/opentype/unifont/unifont.otf", NULL, 0},
};

static bool load_library(struct functions *ft, struct error *err)
{
    static const struct {
        const char *name;
        size_t offset;
    } functions[] = {
#define X(name) {"FT_" #name, offsetof(struct functions, name)},
        FUNCTIONS(X)
#undef X
    };
    void *library = dlopen("libfreetype.so.6", RTLD_NOW | RTLD_LOCAL);
    for (unsigned n = 0; n < ARRAY_LEN(functions); n++) {
        void *function = library ? dlsym(library, functions[n].name) : NULL;
        if (!function) {
            return error_set(err, "libfreetype.so.6 cannot be used: " PACKAGES);
        }
        memcpy((char *)ft + functions[n].offset, &function, sizeof function);
    }
    return true;
}

static FT_Face open_face(struct typeface *f, const char *pattern, int part)
{
    FT_Face face = NULL;
    glob_t found = {0};
    if (!glob(pattern, 0, NULL, &found) && f->ft.New_Face(f->library, found.gl_pathv[0], part, &face)) {
        face = NULL;
    }
    globfree(&found);
    return face;
}

static bool open_faces(struct typeface *f)
{
    for (unsigned n = 0; !f->plain && n < ARRAY_LEN(fonts); n++) {
        f->plain = open_face(f, fonts[n].plain, 0);
        if (f->plain && (fonts[n].bold || fonts[n].bold_part)) {
            f->bold = open_face(f, fonts[n].bold ? fonts[n].bold : fonts[n].plain, fonts[n].bold_part);
        }
    }
    return f->plain;
}

struct typeface *typeface_open(struct error *err)
{
    struct typeface *f = mem_zeroed(1, sizeof *f);
    if (!load_library(&f->ft, err) || f->ft.Init_FreeType(&f->library)) {
        free(f);
        return NULL;
    }
    if (!open_faces(f)) {
        error_set(err, "no font with Korean letters is installed: " PACKAGES);
        typeface_close(f);
        return NULL;
    }
    return f;
}

void typeface_close(struct typeface *f)
{
    if (f) {
        if (f->bold) {
            f->ft.Done_Face(f->bold);
        }
        if (f->plain) {
            f->ft.Done_Face(f->plain);
        }
        f->ft.Done_FreeType(f->library);
        free(f);
    }
}

void typeface_set_size(struct typeface *f, u32 dots, u32 height, u32 *baseline)
{
    f->ft.Set_Pixel_Sizes(f->plain, 0, dots);
    if (f->bold) {
        f->ft.Set_Pixel_Sizes(f->bold, 0, dots);
    }
    /* In 1/64 dots; what a cell is higher than the font wants lies half above, half below. */
    long up = f->plain->size->metrics.ascender, down = -f->plain->size->metrics.descender;
    long at = (((long)height * 64 - up - down) / 2 + up + 32) / 64;
    *baseline = (u32)(at < 0 ? 0 : at);
}

bool typeface_draw(struct typeface *f, u32 rune, bool bold, u32 baseline, u32 width, u32 height, u8 *coverage)
{
    FT_Face face = bold && f->bold ? f->bold : f->plain;
    FT_UInt index = f->ft.Get_Char_Index(face, rune);
    if (!index || f->ft.Load_Glyph(face, index, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT) ||
        face->glyph->bitmap.pixel_mode != FT_PIXEL_MODE_GRAY) {
        return false;
    }
    const FT_Bitmap *b = &face->glyph->bitmap;
    for (unsigned row = 0; row < b->rows; row++) {
        i64 y = (i64)baseline - face->glyph->bitmap_top + row;
        for (unsigned column = 0; column < b->width; column++) {
            i64 x = (i64)face->glyph->bitmap_left + column;
            if (x >= 0 && x < width && y >= 0 && y < height) {
                coverage[y * width + x] = b->buffer[(i64)row * b->pitch + column];
            }
        }
    }
    return true;
}

#else

struct typeface *typeface_open(struct error *err)
{
    error_set(err, "this build of Ringside has no FreeType: apt-get install libfreetype-dev fonts-naver-d2coding, and build again");
    return NULL;
}

void typeface_close(struct typeface *face)
{
    (void)face;
}

void typeface_set_size(struct typeface *face, u32 dots, u32 height, u32 *baseline)
{
    (void)face, (void)dots, (void)height;
    *baseline = 0;
}

bool typeface_draw(struct typeface *face, u32 rune, bool bold, u32 baseline, u32 width, u32 height, u8 *coverage)
{
    (void)face, (void)rune, (void)bold, (void)baseline, (void)width, (void)height, (void)coverage;
    return false;
}

#endif
