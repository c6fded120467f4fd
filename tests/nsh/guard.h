/*
 * Bytes that end at an unreadable page: a parser that reads one too many dies in every build, not only under
 * a sanitizer. Included by the tests of this folder.
 */
#ifndef TEST_NSH_GUARD_H
#define TEST_NSH_GUARD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD_ROOM 4096 /* most bytes a test places; one page everywhere we run */

/* size bytes of data whose last one stands right before an unreadable page; valid until the next call. */
static uint8_t *
guarded(const void *data, size_t size)
{
	static uint8_t *room;

	if (room == NULL) {
		room = mmap(NULL, 2 * GUARD_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (room == MAP_FAILED || mprotect(room + GUARD_ROOM, GUARD_ROOM, PROT_NONE) != 0)
			abort();
	}
	if (size > GUARD_ROOM)
		abort();
	if (size > 0)
		memcpy(room + GUARD_ROOM - size, data, size);
	return room + GUARD_ROOM - size;
}

#endif
