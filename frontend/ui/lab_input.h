/*
 * lab_input.h: keys of a PC keyboard as the lab takes them.
 */
#ifndef FRONTEND_UI_LAB_INPUT_H
#define FRONTEND_UI_LAB_INPUT_H

#include "devices/input/keys.h"

/* enum lab_key for a key that types no letter; 0 for all others. */
u32 lab_key_of(enum key key, bool shift);

#endif
