#include "sff_backoff.h"

#define MINUTE_MS  60000u
#define FIRST_MS   100u
#define LONGEST_MS 5000u
#define RING       (SFF_BACKOFF_DEATHS_MAX + 1)

uint64_t
sff_backoff_next(struct sff_backoff *backoff, uint64_t now_ms)
{
	uint32_t kept, recent = 0;
	uint64_t delay;

	backoff->death_ms[backoff->deaths++ % RING] = now_ms;
	kept = backoff->deaths < RING ? backoff->deaths : RING;
	for (uint32_t i = 0; i < kept; i++)
		recent += now_ms - backoff->death_ms[i] < MINUTE_MS;
	if (recent > SFF_BACKOFF_DEATHS_MAX)
		return SFF_BACKOFF_NEVER;
	delay = (uint64_t)FIRST_MS << (recent - 1);
	return delay < LONGEST_MS ? delay : LONGEST_MS;
}
