#include "sff_metadata.h"

/* What workers count for one path; they may be counting. */
static uint64_t
dropped_of(const struct sff_node *node, unsigned int path)
{
	uint64_t n = 0;

	for (uint16_t w = 0; w < node->workers; w++)
		n += __atomic_load_n(&node->lcore[w]->path[path].unknown_context, __ATOMIC_RELAXED);
	return n;
}

void
sff_metadata_look(struct sff_node *node)
{
	uint64_t dropped = 0;

	for (uint16_t w = 0; w < node->workers; w++)
		dropped +=
			__atomic_load_n(&node->lcore[w]->dropped[SFC_DROP_PROXY_METADATA], __ATOMIC_RELAXED);
	if (dropped == node->metadata_seen)
		return;
	node->metadata_seen = dropped;
	for (unsigned int p = 0; p < node->config->n_paths; p++) {
		const struct sfc_path *path = &node->config->path[p];

		if (node->metadata_said[p] || dropped_of(node, p) == 0)
			continue;
		node->metadata_said[p] = true;
		sff_say(node->options, "note",
			"path '%s', SPI %u: frames with metadata that no rule of the path explains are "
			"dropped before a function without NSH (drop proxy-metadata; RFC 8300 2.4)",
			path->name, path->spi);
	}
}
