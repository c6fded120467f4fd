/**
 * Capture files made byte by byte, in either byte order, for the capture tests: a second opinion that shares
 * no code with the product or libpcap. Included by tests/pmd.
 */
#ifndef CAPTURE_MAKE_H
#define CAPTURE_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct capture_make {
	uint8_t *bytes;
	size_t size;
	size_t room;
	bool swap; /* the byte order this machine does not have */
};

static inline void
make_bytes(struct capture_make *c, const void *bytes, size_t size)
{
	if (c->size + size > c->room) {
		c->room = 2 * (c->size + size);
		c->bytes = realloc(c->bytes, c->room);
	}
	memcpy(c->bytes + c->size, bytes, size);
	c->size += size;
}

static inline void
make_u32(struct capture_make *c, uint32_t v)
{
	v = c->swap ? __builtin_bswap32(v) : v;
	make_bytes(c, &v, sizeof(v));
}

static inline void
make_u16(struct capture_make *c, uint16_t v)
{
	v = c->swap ? __builtin_bswap16(v) : v;
	make_bytes(c, &v, sizeof(v));
}

/* draft-ietf-opsawg-pcap, 4: file header. */
static inline void
make_pcap(struct capture_make *c, bool swap, bool nano, uint32_t snaplen, uint32_t link)
{
	memset(c, 0, sizeof(*c));
	c->swap = swap;
	make_u32(c, nano ? 0xa1b23c4d : 0xa1b2c3d4);
	make_u16(c, 2);
	make_u16(c, 4);
	make_u32(c, 0);
	make_u32(c, 0);
	make_u32(c, snaplen);
	make_u32(c, link);
}

/* draft-ietf-opsawg-pcap, 5: a record. `sub` is in the unit of the file. */
static inline void
make_record(struct capture_make *c, uint32_t sec, uint32_t sub, const void *bytes, uint32_t size,
	uint32_t original)
{
	make_u32(c, sec);
	make_u32(c, sub);
	make_u32(c, size);
	make_u32(c, original);
	make_bytes(c, bytes, size);
}

/* draft-ietf-opsawg-pcapng, 4.1 and 4.2: section header and one interface; resolution 10^-tsresol s. */
static inline void
make_pcapng(struct capture_make *c, bool swap, uint8_t tsresol, uint16_t link)
{
	const uint8_t option[4] = {tsresol, 0, 0, 0};

	memset(c, 0, sizeof(*c));
	c->swap = swap;
	make_u32(c, 0x0a0d0d0a);
	make_u32(c, 28);
	make_u32(c, 0x1a2b3c4d);
	make_u16(c, 1);
	make_u16(c, 0);
	make_u32(c, 0xffffffff);
	make_u32(c, 0xffffffff);
	make_u32(c, 28);
	make_u32(c, 1);
	make_u32(c, 32);
	make_u16(c, link);
	make_u16(c, 0);
	make_u32(c, 0);
	make_u16(c, 9);
	make_u16(c, 1);
	make_bytes(c, option, sizeof(option));
	make_u32(c, 0);
	make_u32(c, 32);
}

/* 4.3: enhanced packet block; stamp in the unit of the interface. */
static inline void
make_packet(struct capture_make *c, uint64_t stamp, const void *bytes, uint32_t size)
{
	uint32_t pad = (4 - size % 4) % 4;
	uint32_t total = 32 + size + pad;

	make_u32(c, 6);
	make_u32(c, total);
	make_u32(c, 0);
	make_u32(c, (uint32_t)(stamp >> 32));
	make_u32(c, (uint32_t)stamp);
	make_u32(c, size);
	make_u32(c, size);
	make_bytes(c, bytes, size);
	make_bytes(c, "\0\0\0", pad);
	make_u32(c, total);
}

/* Write the file and free the bytes. `cut` bytes are left out at the end. */
static inline void
make_file(struct capture_make *c, const char *path, size_t cut)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL || fwrite(c->bytes, 1, c->size - cut, file) != c->size - cut || fclose(file) != 0) {
		perror(path);
		abort();
	}
	free(c->bytes);
	c->bytes = NULL;
}

#endif
