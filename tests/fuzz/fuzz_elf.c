/* The image loader on any bytes: what it accepts lies in guest memory, page by page apart and never writable
 * code. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "hv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t ram = 4 * HV_MIB;
	char error[HV_ERROR_SIZE];
	struct hv_image image;
	uint64_t last = HV_RAM_ADDR;

	if (hv_elf_parse("fuzz", data, size, ram, &image, error) < 0)
		return 0;
	if (image.note.abi != HV_ABI_VERSION || image.note.pairs - 1 >= HV_MAX_PAIRS || image.segments == 0)
		abort();
	for (uint32_t i = 0; i < image.segments; i++) {
		const struct hv_segment *s = &image.segment[i];

		if (s->addr < last || s->size > ram || s->addr + s->size > HV_RAM_ADDR + ram)
			abort();
		if (s->file_offset > size || s->file_size > size - s->file_offset || s->file_size > s->size)
			abort();
		if ((s->prot & PROT_WRITE) && (s->prot & PROT_EXEC))
			abort();
		last = (s->addr + s->size + HV_PAGE_SIZE - 1) & ~(uint64_t)(HV_PAGE_SIZE - 1);
	}
	if (last != image.end)
		abort();
	return 0;
}
