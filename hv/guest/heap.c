#include "guest.h"

static uint8_t *heap_at, *heap_end;

void
vnf_heap_init(void *start, size_t size)
{
	heap_at = start;
	heap_end = heap_at + size;
}

size_t
vnf_alloc_left(void)
{
	size_t pad = -(uintptr_t)heap_at & 63;
	size_t left = (size_t)(heap_end - heap_at);

	return left > pad ? left - pad : 0;
}

void *
vnf_alloc(size_t size)
{
	uint8_t *memory;

	if (size > vnf_alloc_left()) {
		vnf_log("out of memory: %zu bytes wanted, %zu left of the heap", size, vnf_alloc_left());
		vnf_exit(HV_EXIT_MEMORY);
	}
	memory = heap_at + (-(uintptr_t)heap_at & 63);
	heap_at = memory + size;
	return memset(memory, 0, size);
}
