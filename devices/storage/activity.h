/*
 * activity.h: what a drive has done since it was made; a frontend compares two readings to light a
 * lamp.
 */
#ifndef DEVICES_STORAGE_ACTIVITY_H
#define DEVICES_STORAGE_ACTIVITY_H

#include "cpu/base/types.h"

struct activity {
    u64 reads, writes;             /* transfers asked of the image */
    u64 bytes_read, bytes_written; /* and their size */
};

#endif
