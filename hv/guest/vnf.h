/**
 * What a VNF author sees: a packet callback, counters, a console and a clock.
 *
 * Included by every VNF image (hv/vnf/, docs/vnf.md). Freestanding: no libc; the library gives the four mem
 * functions a compiler needs. One image has one thread, so nothing here needs a lock. A VNF defines
 * vnf_init() and vnf_packet() and names itself with VNF_IMAGE().
 */
#ifndef VNF_H
#define VNF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv_abi.h"

/** What becomes of a packet once the service has seen it. */
enum vnf_verdict {
	VNF_PASS, /* back to the SFF; the library has SI - 1 written and the addresses swapped */
	VNF_DROP, /* the frame ends here, counted as metric drop.policy */
};

/* NSH Next Protocol values whose payload the library can read (RFC 8300, 2.2). */
enum vnf_next_proto {
	VNF_NP_IPV4 = 1,
	VNF_NP_IPV6 = 2,
	VNF_NP_ETHERNET = 3,
};

/**
 * One packet, in place in memory the back end can write too: load a field once, check it, then use it.
 * Valid during vnf_packet() only.
 */
struct vnf_pkt {
	uint8_t *data;       /* Ethernet header of the frame */
	uint8_t *nsh;        /* NSH base header; NULL when the SFF is the proxy and the frame carries none */
	uint8_t *inner;      /* the packet inside NSH; equals data when nsh is NULL */
	uint32_t data_len;   /* bytes readable at data: the first buffer of the frame */
	uint32_t inner_len;  /* bytes readable at inner */
	uint32_t inner_size; /* bytes of the whole inner packet, of which inner_len lie here */
	uint32_t spi;        /* Service Path Identifier; 0 without NSH */
	uint8_t si;          /* Service Index on arrival; 0 without NSH */
	uint8_t next_proto;  /* NSH Next Protocol; VNF_NP_ETHERNET without NSH */
};

/**
 * Called once, before the first packet. Allocates, parses arguments, makes counters.
 *
 * @param argc  number of arguments.
 * @param argv  the arguments; argv[0] is the first one, not a program name. Valid for ever.
 * @return      0, or 1..63: the exit code of the image, after a vnf_log() line that says why.
 */
int vnf_init(int argc, char **argv);

/**
 * Called for every well-formed packet, in arrival order of its queue. May change the inner packet's bytes,
 * not its length, and never NSH's SI or TTL: SI is the library's work (RFC 8300, 2.3), TTL only an SFF's.
 */
enum vnf_verdict vnf_packet(struct vnf_pkt *pkt);

/** The ELF note a runner reads before it starts the image. */
struct vnf_image {
	uint32_t name_size, desc_size, type;
	char owner[4];
	struct hv_note note;
};

extern const char vnf_name[]; /* name of the image, from VNF_IMAGE() */

/**
 * Name the image and state what it needs, once per image at file scope:
 * `VNF_IMAGE("firewall", .ram_mib = 4);`. Fields are those of struct hv_note except abi and pairs.
 */
#define VNF_IMAGE(NAME, ...)                                                                                 \
	const char vnf_name[] = NAME;                                                                        \
	extern const struct vnf_image vnf_image_note;                                                        \
	const struct vnf_image vnf_image_note __attribute__((section(".note.vnf"), used, aligned(4))) = {    \
		sizeof(HV_NOTE_NAME), sizeof(struct hv_note), HV_NOTE_TYPE, HV_NOTE_NAME,                    \
		{.abi = HV_ABI_VERSION, .pairs = HV_MAX_PAIRS, __VA_ARGS__}}

/** One number others can read while the image runs: a metric of hv_abi.h. */
struct vnf_counter {
	uint64_t value;
};

/**
 * Make a named counter, starting at 0. Not for the packet path of known names; fine for a new flow.
 *
 * @param format  printf-like, see vnf_format(). The name is cut at 55 bytes; bytes that are not printable
 *                ASCII become '?'.
 * @return        never NULL: when all 4,095 metrics are taken, a counter nobody reads.
 */
struct vnf_counter *vnf_counter(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void
vnf_count(struct vnf_counter *counter, uint64_t n)
{
	__atomic_store_n(&counter->value, counter->value + n, __ATOMIC_RELAXED);
}

/** Write one line to the console; the newline is added. Not for the packet path. */
void vnf_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * snprintf of a small language: %s %c %u %d %x %% with l, ll or z, and a zero-padded width as in %02x.
 *
 * @return  bytes the whole text has; text[] always ends in NUL when size > 0.
 */
size_t vnf_format(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/**
 * Zeroed memory from the heap, aligned to 64 bytes, never given back, every page of it already touched so
 * that no packet pays for a page fault. Ends the image with HV_EXIT_MEMORY when the heap is used up.
 */
void *vnf_alloc(size_t size);

/** Bytes vnf_alloc() can still give. */
size_t vnf_alloc_left(void);

/** Nanoseconds since an epoch of the runner's; survives pause and migration. About 25 cycles; no exit. */
uint64_t vnf_clock_ns(void);

/** End the image. @param code  0, 1..63 of the application, or enum hv_exit. */
void vnf_exit(uint32_t code) __attribute__((noreturn));

/** End the image with HV_EXIT_ASSERT and a console line when cond is false. Always compiled in. */
#define VNF_ASSERT(cond)                                                                                     \
	do {                                                                                                 \
		if (__builtin_expect(!(cond), 0))                                                            \
			vnf_assert_failed(#cond, __FILE__, __LINE__);                                        \
	} while (0)
void vnf_assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

/** An IPv4 or IPv6 address; IPv4 in the first four bytes, the rest 0. Network byte order. */
union vnf_addr {
	uint8_t byte[16];
	uint64_t half[2];
};

/** What vnf_ip_parse() could read of a packet. A field that is absent is 0. */
struct vnf_ip {
	uint8_t *header;     /* IP header, or NULL: not IP, or a header that lies */
	uint32_t header_len; /* bytes readable at header, not beyond the IP packet */
	uint16_t ether_type; /* after up to two VLAN tags; of an NP 1 or 2 packet the type it would have */
	uint8_t version;     /* 4, 6, or 0: not IP */
	uint8_t proto;       /* IPv4 protocol, or what follows the IPv6 extension headers */
	bool fragment;       /* a fragment that is not the first: has no ports */
	bool has_ports;      /* sport and dport are real: TCP, UDP, SCTP, DCCP or UDP-Lite */
	uint16_t sport, dport;
	union vnf_addr src, dst;
};

/**
 * Read the inner packet down to its ports. Safe on any bytes.
 *
 * Sees through two VLAN tags (types 0x8100, 0x88a8) and the IPv6 extension headers (RFC 8200, 4).
 * @return  ip->version != 0.
 */
bool vnf_ip_parse(const struct vnf_pkt *pkt, struct vnf_ip *ip);

#define VNF_ADDR_TEXT 46 /* room for any address as text, NUL included (POSIX INET6_ADDRSTRLEN) */

/** Write an address as text, IPv6 in the form of RFC 5952. @return its length. */
size_t vnf_addr_format(char text[VNF_ADDR_TEXT], unsigned version, const union vnf_addr *addr);

/** Read an address. @return 4, 6, or 0: text[0..len) is not one. */
unsigned vnf_addr_scan(const char *text, size_t len, union vnf_addr *addr);

/* The functions a compiler may call on its own; short constant sizes become plain stores. */
#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *text);
#define memcpy(to, from, n)  __builtin_memcpy(to, from, n)
#define memmove(to, from, n) __builtin_memmove(to, from, n)
#define memset(to, byte, n)  __builtin_memset(to, byte, n)
#define memcmp(a, b, n)      __builtin_memcmp(a, b, n)
#define strlen(text)         __builtin_strlen(text)
#endif

#endif
