/* Any bytes as a frame: the key keeps its promises, the hash is symmetric, cutting a frame invents nothing.
 * The first byte chooses what the data starts with: 0 IPv4, 1 IPv6, else Ethernet. */
#include "cls.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SEED 0x5eedu
#define PORT 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int truth)
{
	if (!truth)
		abort();
}

static void
parse(const uint8_t *data, size_t size, uint16_t ethertype, struct cls_key *key)
{
	/* Exactly as large as the frame, so that a sanitizer sees a read past the end. */
	uint8_t *exact = calloc(1, size > 0 ? size : 1);
	struct cls_key plain;

	if (exact == NULL)
		abort();
	if (size > 0)
		memcpy(exact, data, size);
	memset(key, 0xff, sizeof(*key));
	cls_parse(exact, size, ethertype, PORT, key);
	/* What is plain is the same at a glance. */
	if (ethertype == 0 && cls_parse_plain(exact, size, PORT, &plain))
		check(memcmp(&plain, key, sizeof(plain)) == 0);
	free(exact);
}

static int
has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE || protocol == IPPROTO_DCCP;
}

static void
check_key(const struct cls_key *key)
{
	static const struct cls_key empty = {.port = PORT};
	static const uint8_t zero[12];

	check(key->port == PORT && memcmp(key->pad, zero, sizeof(key->pad)) == 0);
	check(key->has_ports <= 1 && key->fragment <= 1);
	switch (key->family) {
	case 0:
		check(memcmp(key, &empty, sizeof(empty)) == 0);
		break;
	case 4:
		check(memcmp(key->source + 4, zero, 12) == 0 && memcmp(key->destination + 4, zero, 12) == 0);
		break;
	default:
		check(key->family == 6);
	}
	if (key->has_ports)
		check(has_ports(key->protocol));
	else
		check(key->source_port == 0 && key->destination_port == 0);
}

static void
check_hash(const struct cls_key *key)
{
	struct cls_key reverse = *key;

	memcpy(reverse.source, key->destination, sizeof(reverse.source));
	memcpy(reverse.destination, key->source, sizeof(reverse.destination));
	reverse.source_port = key->destination_port;
	reverse.destination_port = key->source_port;
	reverse.port = PORT + 1;
	check(cls_hash(key, SEED) == cls_hash(&reverse, SEED));
	if (!key->fragment)
		return;
	reverse.has_ports = 0;
	reverse.source_port = reverse.destination_port = 0;
	check(cls_hash(key, SEED) == cls_hash(&reverse, SEED));
}

/* A shorter frame has the same key, or less of it. */
static void
check_cut(const struct cls_key *cut, const struct cls_key *whole)
{
	check(cut->family == 0 || cut->family == whole->family);
	if (cut->family != 0)
		check(memcmp(cut, whole, offsetof(struct cls_key, source_port)) == 0);
	check(cut->protocol == 0 || cut->protocol == whole->protocol);
	check(cut->fragment <= whole->fragment && cut->has_ports <= whole->has_ports);
	if (cut->has_ports)
		check(cut->source_port == whole->source_port &&
			cut->destination_port == whole->destination_port);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cls_key key, cut;

	if (size == 0)
		return 0;
	uint16_t ethertype = data[0] == 0 ? 0x0800 : data[0] == 1 ? 0x86dd : 0;
	data++;
	size--;
	parse(data, size, ethertype, &key);
	check_key(&key);
	check_hash(&key);
	parse(data, size / 2, ethertype, &cut);
	check_cut(&cut, &key);
	if (size > 0) {
		parse(data, size - 1, ethertype, &cut);
		check_cut(&cut, &key);
	}
	return 0;
}
