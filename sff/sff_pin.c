#include "sff_pin.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define FLOWS_MAX (1u << 26)

int
sff_pins_create(uint32_t flows, uint64_t tsc_hz, bool now, struct sff_pins **result)
{
	struct sff_pins *pins = calloc(1, sizeof(*pins));
	uint32_t lines = rte_align32pow2(2 * RTE_MIN(flows, FLOWS_MAX)) / SFF_PIN_LINE;

	if (pins == NULL)
		return -ENOMEM;
	if (lines == 0)
		lines = 1;
	pins->mask = lines - 1;
	pins->idle = (uint32_t)((SFF_PIN_IDLE_S * tsc_hz) >> SFF_PIN_TICK_BITS);
	pins->map_size = (size_t)lines * RTE_CACHE_LINE_SIZE;
	pins->pin = mmap(NULL, pins->map_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | (now ? MAP_POPULATE : 0), -1, 0);
	if (pins->pin == MAP_FAILED) {
		free(pins);
		return -ENOMEM;
	}
	*result = pins;
	return 0;
}

void
sff_pins_destroy(struct sff_pins *pins)
{
	if (pins == NULL)
		return;
	munmap(pins->pin, pins->map_size);
	free(pins);
}
