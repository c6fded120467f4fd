#include "sfc_load.h"

#include <stdio.h>
#include <string.h>

/* Ranges of one leaf: each pair of a source and a destination range is a rule of the compiled classifier. */
#define RANGES_MAX 64u

static void
take_ranges(struct sfc_load *load, const struct lyd_node *leaf, struct sfc_range **range, unsigned int *n)
{
	const char *text, *next;
	struct sfc_range all[RANGES_MAX];
	unsigned int count = 0;

	if (!leaf)
		return;
	text = lyd_get_value(leaf);
	for (next = text; next; count++) {
		const char *item = next;

		if (count == RANGES_MAX) {
			sfc_load_error_node(load, leaf, "more than %u ports and ranges", RANGES_MAX);
			return;
		}
		if (sfc_value_range(&next, &all[count])) {
			item += strspn(item, " ");
			sfc_load_error_node(load, leaf,
				"'%.*s' must be a port or a range of ports from low to high, 0 to 65535",
				(int)strcspn(item, ","), item);
			return;
		}
	}
	*range = sfc_load_new(load, count, sizeof(**range));
	if (!*range)
		return;
	memcpy(*range, all, count * sizeof(**range));
	*n = count;
}

static void
take_prefix(struct sfc_load *load, const struct lyd_node *leaf, struct sfc_addr *prefix)
{
	if (!leaf)
		return;
	if (sfc_value_addr(lyd_get_value(leaf), true, prefix)) {
		*prefix = (struct sfc_addr){0};
		sfc_load_error_node(load, leaf,
			"'%.64s' must be an IPv4 or IPv6 prefix, for example 10.0.0.0/8",
			lyd_get_value(leaf));
	}
	sfc_value_mask(prefix);
}

/* Protocols whose first four bytes are the ports: TCP, UDP, DCCP, SCTP, UDP-Lite (IANA protocol numbers). */
static bool
has_ports(int protocol)
{
	return protocol == -1 || protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 ||
	       protocol == 136;
}

static void
take_protocol(struct sfc_load *load, const struct lyd_node *match, struct sfc_rule *rule)
{
	const struct lyd_node *leaf = sfc_data_child(match, "protocol");
	const struct lyd_node *source = sfc_data_child(match, "source-port");
	const struct lyd_node *destination = sfc_data_child(match, "destination-port");

	rule->protocol = -1;
	if (!leaf)
		return;
	if (sfc_value_protocol(lyd_get_value(leaf), &rule->protocol)) {
		rule->protocol = -1;
		sfc_load_error_node(load, leaf,
			"'%s' must be any, tcp, udp, icmp, icmpv6, sctp or a number from 0 to 255",
			lyd_get_value(leaf));
	}
	if (!has_ports(rule->protocol) && (source || destination))
		sfc_load_error_node(load, source ? source : destination,
			"protocol '%s' has no ports (tcp, udp and sctp have)", lyd_get_value(leaf));
}

static void
take_match(struct sfc_load *load, const struct lyd_node *match, struct sfc_rule *rule)
{
	const struct lyd_node *port = sfc_data_child(match, "port");
	const struct lyd_node *destination = sfc_data_child(match, "destination");

	rule->match_node = rule->match_port = -1;
	if (port)
		sfc_load_port_ref(load, port, &rule->match_node, &rule->match_port);
	if (rule->match_port >= 0 &&
		load->config->node[rule->match_node].port[rule->match_port].role != SFC_ROLE_ACCESS)
		sfc_load_error_node(load, port,
			"port '%s' is a transport port: rules match frames from access ports",
			lyd_get_value(port));
	take_prefix(load, sfc_data_child(match, "source"), &rule->source);
	take_prefix(load, destination, &rule->destination);
	if (rule->source.family && rule->destination.family &&
		rule->source.family != rule->destination.family)
		sfc_load_error_node(load, destination,
			"source is IPv%u and destination IPv%u: nothing matches", rule->source.family,
			rule->destination.family);
	take_protocol(load, match, rule);
	take_ranges(load, sfc_data_child(match, "source-port"), &rule->source_port, &rule->n_source_ports);
	take_ranges(load, sfc_data_child(match, "destination-port"), &rule->destination_port,
		&rule->n_destination_ports);
}

static void
take_words(struct sfc_load *load, const struct lyd_node *action, struct sfc_rule *rule)
{
	const struct lyd_node *metadata = sfc_data_child(action, "metadata");
	const struct lyd_node *entry = NULL, *first = sfc_data_child(metadata, "words");
	unsigned int n = 0;

	while (n < 4 && (entry = sfc_data_next(metadata, entry, "words")))
		rule->word[n++] = sfc_data_number(entry, "word");
	if (!first)
		return;
	if (rule->action != SFC_ACTION_PATH)
		sfc_load_error_node(load, first, "words go with a path: there is none");
	else if (rule->path >= 0 && load->config->path[rule->path].md_type != 1)
		sfc_load_error_node(load, first, "words need MD type 1: path '%s' has md-type %u",
			load->config->path[rule->path].name, load->config->path[rule->path].md_type);
}

static void
take_action(struct sfc_load *load, const struct lyd_node *data, struct sfc_rule *rule)
{
	const struct lyd_node *action = sfc_data_child(data, "action");
	const struct lyd_node *path = sfc_data_child(action, "path");
	const struct lyd_node *forwarding = sfc_data_child(action, "forwarding");

	rule->path = -1;
	rule->action = path                                        ? SFC_ACTION_PATH
	               : sfc_data_is(action, "forwarding", "drop") ? SFC_ACTION_DROP
	                                                           : SFC_ACTION_FORWARD;
	if (path) {
		rule->path = sfc_names_index(&load->paths, lyd_get_value(path), 0);
		if (rule->path < 0)
			sfc_load_error_node(load, path, "no path '%s'", lyd_get_value(path));
	}
	if (rule->path >= 0 && sfc_data_is(action, "secure", "true") &&
		!load->config->path[rule->path].secure)
		sfc_load_error_node(load, sfc_data_child(action, "secure"),
			"path '%s' is not secure: it needs secure: true", lyd_get_value(path));
	if (path && forwarding)
		sfc_load_error_node(load, forwarding, "'path' and 'forwarding' exclude each other");
	if (sfc_data_refused(data, "action") || sfc_data_refused(action, "path") ||
		sfc_data_refused(action, "forwarding"))
		return; /* has its own error */
	if (!path && !forwarding)
		sfc_load_error_node(load, action, "an action needs 'path' or 'forwarding'");
	else
		take_words(load, action, rule);
}

void
sfc_load_rules(struct sfc_load *load)
{
	struct sfc_config *config = load->config;
	const struct lyd_node *rule = NULL;
	struct sfc_names names;
	unsigned int n = sfc_data_count(load->tree, "rule");

	config->default_action =
		sfc_data_is(load->tree, "default", "drop") ? SFC_ACTION_DROP : SFC_ACTION_FORWARD;
	config->rule = sfc_load_new(load, n, sizeof(*config->rule));
	if (load->no_memory || sfc_names_init(load, &names, n))
		return;
	while ((rule = sfc_data_next(load->tree, rule, "rule"))) {
		struct sfc_rule *to = &config->rule[config->n_rules];

		sfc_names_add(&names, sfc_data_text(rule, "name"), 0, (int)config->n_rules++, rule);
		to->name = sfc_load_copy(load, sfc_data_text(rule, "name"));
		take_match(load, sfc_data_child(rule, "match"), to);
		take_action(load, rule, to);
	}
	sfc_names_sort(&names);
}
