/*
 * lab_input.c: see lab_input.h.
 */
#include "frontend/ui/lab_input.h"

#include "frontend/lab/lab.h"

u32 lab_key_of(enum key key, bool shift)
{
    static const struct {
        enum key key;
        u32 lab;
    } table[] = {{KEY_UP, LAB_UP},     {KEY_DOWN, LAB_DOWN},     {KEY_LEFT, LAB_LEFT},   {KEY_RIGHT, LAB_RIGHT},
                 {KEY_PGUP, LAB_PGUP}, {KEY_PGDN, LAB_PGDN},     {KEY_HOME, LAB_HOME},   {KEY_END, LAB_END},
                 {KEY_RET, LAB_ENTER}, {KEY_KP_ENTER, LAB_ENTER}, {KEY_ESC, LAB_ESCAPE}, {KEY_BACKSPACE, LAB_BACKSPACE},
                 {KEY_TAB, LAB_TAB},   {KEY_DELETE, LAB_DELETE}, {KEY_F11, LAB_F1 + 10}, {KEY_F12, LAB_F12}};
    if (key == KEY_TAB && shift) {
        return LAB_BACKTAB;
    }
    if (key >= KEY_F1 && key <= KEY_F10) {
        return LAB_F1 + (key - KEY_F1);
    }
    for (unsigned n = 0; n < ARRAY_LEN(table); n++) {
        if (table[n].key == key) {
            return table[n].lab;
        }
    }
    return 0;
}
