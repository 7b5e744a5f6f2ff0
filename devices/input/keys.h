/*
 * keys.h: the one table of keys: what each is called, what the keyboard sends for it in scancode
 * sets 1, 2 and 3, and which USB usage (the window's scancode) stands for it.
 *
 * Documents: IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-Key)"; USB
 * HID Usage Tables 1.12, section 10; Microsoft "Keyboard Scan Code Specification" 1.3a for the
 * codes of later keys. Names are QEMU's, as the monitor's `sendkey` takes them.
 */
#ifndef DEVICES_INPUT_KEYS_H
#define DEVICES_INPUT_KEYS_H

#include "cpu/base/types.h"

/*
 * KEYS(X) gives X(enumerator, "name", set 1, set 2, set 3, usage). A code of E0xxh is sent as E0h,
 * xxh. A set 3 code of 0: the key has none and is silent there. Print and Pause have codes that
 * depend on the modifiers; ps2kbd.c knows them and their entries here are only the plain ones.
 *
 * Usages are those of the keyboard page up to E7h; above them SDL's own numbers for consumer keys.
 */
#define KEYS(X)                                                                                    \
    X(KEY_A, "a", 0x1e, 0x1c, 0x1c, 0x04)                                                          \
    X(KEY_B, "b", 0x30, 0x32, 0x32, 0x05)                                                          \
    X(KEY_C, "c", 0x2e, 0x21, 0x21, 0x06)                                                          \
    X(KEY_D, "d", 0x20, 0x23, 0x23, 0x07)                                                          \
    X(KEY_E, "e", 0x12, 0x24, 0x24, 0x08)                                                          \
    X(KEY_F, "f", 0x21, 0x2b, 0x2b, 0x09)                                                          \
    X(KEY_G, "g", 0x22, 0x34, 0x34, 0x0a)                                                          \
    X(KEY_H, "h", 0x23, 0x33, 0x33, 0x0b)                                                          \
    X(KEY_I, "i", 0x17, 0x43, 0x43, 0x0c)                                                          \
    X(KEY_J, "j", 0x24, 0x3b, 0x3b, 0x0d)                                                          \
    X(KEY_K, "k", 0x25, 0x42, 0x42, 0x0e)                                                          \
    X(KEY_L, "l", 0x26, 0x4b, 0x4b, 0x0f)                                                          \
    X(KEY_M, "m", 0x32, 0x3a, 0x3a, 0x10)                                                          \
    X(KEY_N, "n", 0x31, 0x31, 0x31, 0x11)                                                          \
    X(KEY_O, "o", 0x18, 0x44, 0x44, 0x12)                                                          \
    X(KEY_P, "p", 0x19, 0x4d, 0x4d, 0x13)                                                          \
    X(KEY_Q, "q", 0x10, 0x15, 0x15, 0x14)                                                          \
    X(KEY_R, "r", 0x13, 0x2d, 0x2d, 0x15)                                                          \
    X(KEY_S, "s", 0x1f, 0x1b, 0x1b, 0x16)                                                          \
    X(KEY_T, "t", 0x14, 0x2c, 0x2c, 0x17)                                                          \
    X(KEY_U, "u", 0x16, 0x3c, 0x3c, 0x18)                                                          \
    X(KEY_V, "v", 0x2f, 0x2a, 0x2a, 0x19)                                                          \
    X(KEY_W, "w", 0x11, 0x1d, 0x1d, 0x1a)                                                          \
    X(KEY_X, "x", 0x2d, 0x22, 0x22, 0x1b)                                                          \
    X(KEY_Y, "y", 0x15, 0x35, 0x35, 0x1c)                                                          \
    X(KEY_Z, "z", 0x2c, 0x1a, 0x1a, 0x1d)                                                          \
    X(KEY_1, "1", 0x02, 0x16, 0x16, 0x1e)                                                          \
    X(KEY_2, "2", 0x03, 0x1e, 0x1e, 0x1f)                                                          \
    X(KEY_3, "3", 0x04, 0x26, 0x26, 0x20)                                                          \
    X(KEY_4, "4", 0x05, 0x25, 0x25, 0x21)                                                          \
    X(KEY_5, "5", 0x06, 0x2e, 0x2e, 0x22)                                                          \
    X(KEY_6, "6", 0x07, 0x36, 0x36, 0x23)                                                          \
    X(KEY_7, "7", 0x08, 0x3d, 0x3d, 0x24)                                                          \
    X(KEY_8, "8", 0x09, 0x3e, 0x3e, 0x25)                                                          \
    X(KEY_9, "9", 0x0a, 0x46, 0x46, 0x26)                                                          \
    X(KEY_0, "0", 0x0b, 0x45, 0x45, 0x27)                                                          \
    X(KEY_RET, "ret", 0x1c, 0x5a, 0x5a, 0x28)                                                      \
    X(KEY_ESC, "esc", 0x01, 0x76, 0x08, 0x29)                                                      \
    X(KEY_BACKSPACE, "backspace", 0x0e, 0x66, 0x66, 0x2a)                                          \
    X(KEY_TAB, "tab", 0x0f, 0x0d, 0x0d, 0x2b)                                                      \
    X(KEY_SPC, "spc", 0x39, 0x29, 0x29, 0x2c)                                                      \
    X(KEY_MINUS, "minus", 0x0c, 0x4e, 0x4e, 0x2d)                                                  \
    X(KEY_EQUAL, "equal", 0x0d, 0x55, 0x55, 0x2e)                                                  \
    X(KEY_BRACKET_LEFT, "bracket_left", 0x1a, 0x54, 0x54, 0x2f)                                    \
    X(KEY_BRACKET_RIGHT, "bracket_right", 0x1b, 0x5b, 0x5b, 0x30)                                  \
    X(KEY_BACKSLASH, "backslash", 0x2b, 0x5d, 0x5c, 0x31)                                          \
    X(KEY_SEMICOLON, "semicolon", 0x27, 0x4c, 0x4c, 0x33)                                          \
    X(KEY_APOSTROPHE, "apostrophe", 0x28, 0x52, 0x52, 0x34)                                        \
    X(KEY_GRAVE_ACCENT, "grave_accent", 0x29, 0x0e, 0x0e, 0x35)                                    \
    X(KEY_COMMA, "comma", 0x33, 0x41, 0x41, 0x36)                                                  \
    X(KEY_DOT, "dot", 0x34, 0x49, 0x49, 0x37)                                                      \
    X(KEY_SLASH, "slash", 0x35, 0x4a, 0x4a, 0x38)                                                  \
    X(KEY_CAPS_LOCK, "caps_lock", 0x3a, 0x58, 0x14, 0x39)                                          \
    X(KEY_F1, "f1", 0x3b, 0x05, 0x07, 0x3a)                                                        \
    X(KEY_F2, "f2", 0x3c, 0x06, 0x0f, 0x3b)                                                        \
    X(KEY_F3, "f3", 0x3d, 0x04, 0x17, 0x3c)                                                        \
    X(KEY_F4, "f4", 0x3e, 0x0c, 0x1f, 0x3d)                                                        \
    X(KEY_F5, "f5", 0x3f, 0x03, 0x27, 0x3e)                                                        \
    X(KEY_F6, "f6", 0x40, 0x0b, 0x2f, 0x3f)                                                        \
    X(KEY_F7, "f7", 0x41, 0x83, 0x37, 0x40)                                                        \
    X(KEY_F8, "f8", 0x42, 0x0a, 0x3f, 0x41)                                                        \
    X(KEY_F9, "f9", 0x43, 0x01, 0x47, 0x42)                                                        \
    X(KEY_F10, "f10", 0x44, 0x09, 0x4f, 0x43)                                                      \
    X(KEY_F11, "f11", 0x57, 0x78, 0x56, 0x44)                                                      \
    X(KEY_F12, "f12", 0x58, 0x07, 0x5e, 0x45)                                                      \
    X(KEY_PRINT, "print", 0xe037, 0xe07c, 0x57, 0x46)                                              \
    X(KEY_SCROLL_LOCK, "scroll_lock", 0x46, 0x7e, 0x5f, 0x47)                                      \
    X(KEY_PAUSE, "pause", 0xe046, 0xe07e, 0x62, 0x48)                                              \
    X(KEY_INSERT, "insert", 0xe052, 0xe070, 0x67, 0x49)                                            \
    X(KEY_HOME, "home", 0xe047, 0xe06c, 0x6e, 0x4a)                                                \
    X(KEY_PGUP, "pgup", 0xe049, 0xe07d, 0x6f, 0x4b)                                                \
    X(KEY_DELETE, "delete", 0xe053, 0xe071, 0x64, 0x4c)                                            \
    X(KEY_END, "end", 0xe04f, 0xe069, 0x65, 0x4d)                                                  \
    X(KEY_PGDN, "pgdn", 0xe051, 0xe07a, 0x6d, 0x4e)                                                \
    X(KEY_RIGHT, "right", 0xe04d, 0xe074, 0x6a, 0x4f)                                              \
    X(KEY_LEFT, "left", 0xe04b, 0xe06b, 0x61, 0x50)                                                \
    X(KEY_DOWN, "down", 0xe050, 0xe072, 0x60, 0x51)                                                \
    X(KEY_UP, "up", 0xe048, 0xe075, 0x63, 0x52)                                                    \
    X(KEY_NUM_LOCK, "num_lock", 0x45, 0x77, 0x76, 0x53)                                            \
    X(KEY_KP_DIVIDE, "kp_divide", 0xe035, 0xe04a, 0x77, 0x54)                                      \
    X(KEY_KP_MULTIPLY, "kp_multiply", 0x37, 0x7c, 0x7e, 0x55)                                      \
    X(KEY_KP_SUBTRACT, "kp_subtract", 0x4a, 0x7b, 0x84, 0x56)                                      \
    X(KEY_KP_ADD, "kp_add", 0x4e, 0x79, 0x7c, 0x57)                                                \
    X(KEY_KP_ENTER, "kp_enter", 0xe01c, 0xe05a, 0x79, 0x58)                                        \
    X(KEY_KP_1, "kp_1", 0x4f, 0x69, 0x69, 0x59)                                                    \
    X(KEY_KP_2, "kp_2", 0x50, 0x72, 0x72, 0x5a)                                                    \
    X(KEY_KP_3, "kp_3", 0x51, 0x7a, 0x7a, 0x5b)                                                    \
    X(KEY_KP_4, "kp_4", 0x4b, 0x6b, 0x6b, 0x5c)                                                    \
    X(KEY_KP_5, "kp_5", 0x4c, 0x73, 0x73, 0x5d)                                                    \
    X(KEY_KP_6, "kp_6", 0x4d, 0x74, 0x74, 0x5e)                                                    \
    X(KEY_KP_7, "kp_7", 0x47, 0x6c, 0x6c, 0x5f)                                                    \
    X(KEY_KP_8, "kp_8", 0x48, 0x75, 0x75, 0x60)                                                    \
    X(KEY_KP_9, "kp_9", 0x49, 0x7d, 0x7d, 0x61)                                                    \
    X(KEY_KP_0, "kp_0", 0x52, 0x70, 0x70, 0x62)                                                    \
    X(KEY_KP_DECIMAL, "kp_decimal", 0x53, 0x71, 0x71, 0x63)                                        \
    X(KEY_LESS, "less", 0x56, 0x61, 0x13, 0x64)                                                    \
    X(KEY_COMPOSE, "compose", 0xe05d, 0xe02f, 0x8d, 0x65)                                          \
    X(KEY_POWER, "power", 0xe05e, 0xe037, 0, 0x66)                                                 \
    X(KEY_KP_EQUALS, "kp_equals", 0x59, 0x0f, 0, 0x67)                                             \
    X(KEY_F13, "f13", 0x64, 0x08, 0, 0x68)                                                         \
    X(KEY_F14, "f14", 0x65, 0x10, 0, 0x69)                                                         \
    X(KEY_F15, "f15", 0x66, 0x18, 0, 0x6a)                                                         \
    X(KEY_F16, "f16", 0x67, 0x20, 0, 0x6b)                                                         \
    X(KEY_F17, "f17", 0x68, 0x28, 0, 0x6c)                                                         \
    X(KEY_F18, "f18", 0x69, 0x30, 0, 0x6d)                                                         \
    X(KEY_F19, "f19", 0x6a, 0x38, 0, 0x6e)                                                         \
    X(KEY_F20, "f20", 0x6b, 0x40, 0, 0x6f)                                                         \
    X(KEY_F21, "f21", 0x6c, 0x48, 0, 0x70)                                                         \
    X(KEY_F22, "f22", 0x6d, 0x50, 0, 0x71)                                                         \
    X(KEY_F23, "f23", 0x6e, 0x57, 0, 0x72)                                                         \
    X(KEY_F24, "f24", 0x76, 0x5f, 0, 0x73)                                                         \
    X(KEY_AUDIOMUTE, "audiomute", 0xe020, 0xe023, 0x9c, 0x7f)                                      \
    X(KEY_VOLUMEUP, "volumeup", 0xe030, 0xe032, 0x95, 0x80)                                        \
    X(KEY_VOLUMEDOWN, "volumedown", 0xe02e, 0xe021, 0x9d, 0x81)                                    \
    X(KEY_KP_COMMA, "kp_comma", 0x7e, 0x6d, 0x7b, 0x85)                                            \
    X(KEY_RO, "ro", 0x73, 0x51, 0x51, 0x87)                                                        \
    X(KEY_KATAKANAHIRAGANA, "katakanahiragana", 0x70, 0x13, 0x87, 0x88)                            \
    X(KEY_YEN, "yen", 0x7d, 0x6a, 0x5d, 0x89)                                                      \
    X(KEY_HENKAN, "henkan", 0x79, 0x64, 0x86, 0x8a)                                                \
    X(KEY_MUHENKAN, "muhenkan", 0x7b, 0x67, 0x85, 0x8b)                                            \
    X(KEY_CTRL, "ctrl", 0x1d, 0x14, 0x11, 0xe0)                                                    \
    X(KEY_SHIFT, "shift", 0x2a, 0x12, 0x12, 0xe1)                                                  \
    X(KEY_ALT, "alt", 0x38, 0x11, 0x19, 0xe2)                                                      \
    X(KEY_META_L, "meta_l", 0xe05b, 0xe01f, 0x8b, 0xe3)                                            \
    X(KEY_CTRL_R, "ctrl_r", 0xe01d, 0xe014, 0x58, 0xe4)                                            \
    X(KEY_SHIFT_R, "shift_r", 0x36, 0x59, 0x59, 0xe5)                                              \
    X(KEY_ALT_R, "alt_r", 0xe038, 0xe011, 0x39, 0xe6)                                              \
    X(KEY_META_R, "meta_r", 0xe05c, 0xe027, 0x8c, 0xe7)                                            \
    X(KEY_AUDIONEXT, "audionext", 0xe019, 0xe04d, 0x93, 258)                                       \
    X(KEY_AUDIOPREV, "audioprev", 0xe010, 0xe015, 0x94, 259)                                       \
    X(KEY_AUDIOSTOP, "audiostop", 0xe024, 0xe03b, 0x98, 260)                                       \
    X(KEY_AUDIOPLAY, "audioplay", 0xe022, 0xe034, 0, 261)                                          \
    X(KEY_MEDIASELECT, "mediaselect", 0xe06d, 0xe050, 0, 263)                                      \
    X(KEY_MAIL, "mail", 0xe06c, 0xe048, 0, 265)                                                    \
    X(KEY_CALCULATOR, "calculator", 0xe021, 0xe02b, 0xa3, 266)                                     \
    X(KEY_COMPUTER, "computer", 0xe06b, 0xe040, 0, 267)                                            \
    X(KEY_FIND, "find", 0xe065, 0xe010, 0, 268)                                                    \
    X(KEY_AC_HOME, "ac_home", 0xe032, 0xe03a, 0x97, 269)                                           \
    X(KEY_AC_BACK, "ac_back", 0xe06a, 0xe038, 0, 270)                                              \
    X(KEY_AC_FORWARD, "ac_forward", 0xe069, 0xe030, 0, 271)                                        \
    X(KEY_STOP, "stop", 0xe068, 0xe028, 0, 272)                                                    \
    X(KEY_AC_REFRESH, "ac_refresh", 0xe067, 0xe020, 0, 273)                                        \
    X(KEY_AC_BOOKMARKS, "ac_bookmarks", 0xe066, 0xe018, 0, 274)                                    \
    X(KEY_SLEEP, "sleep", 0xe05f, 0xe03f, 0, 282)                                                  \
    X(KEY_WAKE, "wake", 0xe063, 0xe05e, 0, 283)

enum key {
    KEY_NONE,
#define X(key, name, set1, set2, set3, usage) key,
    KEYS(X)
#undef X
        KEY_COUNT
};

struct key_info {
    const char *name;
    u16 set1, set2, set3;
    u16 usage;
};

/* `key` of 1..KEY_COUNT-1; of anything else an entry of nothing, whose name is "". */
const struct key_info *key_info(enum key key);

/* KEY_NONE when there is no such name. Besides QEMU's names their aliases are taken (asterisk,
 * sysrq, menu, caps, enter, ...), and numbers such as 0x1e: set 1 codes, 80h added for E0h. */
enum key key_by_name(const char *name);
/* By SDL scancode (USB usage); KEY_NONE when the keyboard has no such key. */
enum key key_by_usage(unsigned usage);
/* The name that is closest to a mistyped one, for messages. */
const char *key_nearest_name(const char *name);

/* The keystroke of a character on the US layout; false: it has none. */
bool key_by_char(u32 unicode, enum key *key, bool *shift, bool *ctrl);

#endif
