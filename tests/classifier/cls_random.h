/* Random rules and keys from a fixed seed, for the property tests of this room. Included by those only. */
#ifndef CLS_RANDOM_H
#define CLS_RANDOM_H

#include "cls.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_PORTS      3 /* ports of node 0 */
#define RANDOM_PATHS      4
#define RANDOM_RANGES_MAX 4

/* xorshift64 (Marsaglia 2003): the same rules and keys on every machine. */
static uint64_t random_state = 0x5eed5eed5eed5eedull;

static inline uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

/* Few bits of an address vary, so that prefixes of any length meet addresses. */
static inline void
random_address(uint8_t family, uint8_t bytes[16])
{
	memset(bytes, 0, 16);
	bytes[0] = family == 4 ? 10 : 0xfd;
	for (int i = 1; i < (family == 4 ? 4 : 16); i++)
		bytes[i] = random_below(3) == 0 ? (uint8_t)(random_below(4) << (random_below(2) * 6)) : 0;
}

static inline void
random_prefix(uint8_t family, struct sfc_addr *addr)
{
	uint8_t bits = family == 4 ? 32 : 128;

	*addr = (struct sfc_addr){.family = family};
	random_address(family, addr->bytes);
	addr->plen = random_below(4) == 0 ? bits : (uint8_t)random_below(bits + 1u);
}

static inline unsigned int
random_ranges(struct sfc_range **ranges)
{
	unsigned int n = random_below(3) == 0 ? 1 + random_below(RANDOM_RANGES_MAX) : 0;

	*ranges = calloc(RANDOM_RANGES_MAX, sizeof(**ranges));
	for (unsigned int i = 0; i < n; i++) {
		uint16_t low = (uint16_t)(random_below(8) == 0 ? random_below(65536) : random_below(1200));
		uint32_t high =
			low + (random_below(2) == 0 ? 0 : random_below(random_below(4) == 0 ? 65536 : 300));
		if (random_below(8) == 0)
			low = 0; /* as the key of a packet without ports has it */
		(*ranges)[i] = (struct sfc_range){low, (uint16_t)(high > UINT16_MAX ? UINT16_MAX : high)};
	}
	return n;
}

static inline int
random_protocol(void)
{
	static const uint8_t protocol[] = {
		IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6};
	return protocol[random_below(sizeof(protocol))];
}

static inline void
random_rule(struct sfc_rule *rule)
{
	char name[32];
	uint32_t family = random_below(9); /* 0: any, even: IPv4 */

	snprintf(name, sizeof(name), "r%u", random_below(1000000));
	*rule = (struct sfc_rule){.name = strdup(name), .match_node = -1, .match_port = -1, .protocol = -1};
	if (random_below(3) == 0) {
		rule->match_node = random_below(4) == 0 ? 1 : 0;
		rule->match_port = (int)random_below(RANDOM_PORTS);
	}
	if (family >= 1 && random_below(4) != 0)
		random_prefix(family % 2 == 0 ? 4 : 6, &rule->source);
	if (family >= 1 && random_below(3) != 0)
		random_prefix(family % 2 == 0 ? 4 : 6, &rule->destination);
	if (random_below(2) == 0)
		rule->protocol = random_protocol();
	rule->n_source_ports = random_ranges(&rule->source_port);
	rule->n_destination_ports = random_ranges(&rule->destination_port);
	rule->action = (enum sfc_action)random_below(3);
	rule->path = rule->action == SFC_ACTION_PATH ? (int)random_below(RANDOM_PATHS) : -1;
	rule->word[0] = random_below(100);
}

/* A domain of two nodes, four paths (path 1 is the reverse of path 0), and the rules given. */
static inline struct sfc_config *
random_config(unsigned int n_rules)
{
	struct sfc_config *config = calloc(1, sizeof(*config));

	config->n_nodes = 2;
	config->node = calloc(2, sizeof(*config->node));
	config->node[0].n_ports = RANDOM_PORTS;
	config->node[1].n_ports = RANDOM_PORTS;
	config->n_paths = RANDOM_PATHS;
	config->path = calloc(RANDOM_PATHS, sizeof(*config->path));
	for (int i = 0; i < RANDOM_PATHS; i++)
		config->path[i].reverse = i == 0 ? 1 : -1;
	config->n_rules = n_rules;
	config->rule = calloc(n_rules + 1, sizeof(*config->rule));
	for (unsigned int i = 0; i < n_rules; i++)
		random_rule(&config->rule[i]);
	config->default_action = random_below(2) == 0 ? SFC_ACTION_FORWARD : SFC_ACTION_DROP;
	return config;
}

static inline void
random_config_free(struct sfc_config *config)
{
	for (unsigned int i = 0; i < config->n_rules; i++) {
		free(config->rule[i].name);
		free(config->rule[i].source_port);
		free(config->rule[i].destination_port);
	}
	free(config->rule);
	free(config->path);
	free(config->node);
	free(config);
}

static inline uint16_t
random_port_near(const struct sfc_range *ranges, unsigned int n)
{
	if (n == 0)
		return (uint16_t)(random_below(2) == 0 ? random_below(65536) : random_below(1200));
	const struct sfc_range *range = &ranges[random_below(n)];
	return (uint16_t)(random_below(2) == 0 ? range->low - 1 + random_below(3)
					       : range->high - 1 + random_below(3));
}

static inline void
random_address_near(const struct sfc_addr *addr, uint8_t family, uint8_t bytes[16])
{
	random_address(family, bytes);
	if (addr->family != family)
		return;
	/* Its prefix, then anything; sometimes with one bit of the prefix wrong. */
	for (unsigned int bit = 0; bit < addr->plen; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);
		bytes[bit / 8] = (uint8_t)((bytes[bit / 8] & ~mask) | (addr->bytes[bit / 8] & mask));
	}
	if (addr->plen != 0 && random_below(4) == 0)
		bytes[(addr->plen - 1) / 8] ^= (uint8_t)(0x80 >> (addr->plen - 1) % 8);
}

/* A key that a rule matches, or nearly. */
static inline void
random_key(const struct sfc_config *config, struct cls_key *key)
{
	const struct sfc_rule *rule = &config->rule[random_below(config->n_rules)];
	uint8_t family = rule->source.family != 0 ? rule->source.family : rule->destination.family;

	if (family == 0)
		family = random_below(2) == 0 ? 4 : 6;
	*key = (struct cls_key){.port = (uint16_t)random_below(RANDOM_PORTS + 1)};
	if (rule->match_port >= 0 && random_below(3) != 0)
		key->port = (uint16_t)rule->match_port;
	if (random_below(12) == 0)
		return; /* not IP */
	key->family = family;
	random_address_near(&rule->source, family, key->source);
	random_address_near(&rule->destination, family, key->destination);
	key->protocol =
		(uint8_t)(rule->protocol >= 0 && random_below(4) != 0 ? rule->protocol : random_protocol());
	key->has_ports = random_below(5) != 0;
	if (key->has_ports) {
		key->source_port = htons(random_port_near(rule->source_port, rule->n_source_ports));
		key->destination_port =
			htons(random_port_near(rule->destination_port, rule->n_destination_ports));
	}
}

#endif
