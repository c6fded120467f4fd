#include "sfc_load.h"

#include <stdlib.h>
#include <string.h>

/* A block of the arena. Values are small, so that one block holds hundreds. */
struct sfc_arena {
	struct sfc_arena *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

#define BLOCK_SIZE ((size_t)64 << 10)

void *
sfc_load_temp(struct sfc_load *load, size_t n, size_t size)
{
	struct sfc_arena *block = load->arena;
	void *memory;

	if (__builtin_mul_overflow(n, size, &size) || size > SIZE_MAX / 2) {
		load->no_memory = true;
		return NULL;
	}
	size = (size + 15) & ~(size_t)15;
	if (!block || block->size - block->used < size) {
		size_t block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		block = calloc(1, sizeof(*block) + block_size);
		if (!block) {
			load->no_memory = true;
			return NULL;
		}
		block->size = block_size;
		block->next = load->arena;
		load->arena = block;
	}
	memory = block->bytes + block->used;
	block->used += size;
	return memory;
}

void *
sfc_load_new(struct sfc_load *load, size_t n, size_t size)
{
	void *memory;

	if (n == 0)
		return NULL;
	memory = calloc(n, size);
	if (!memory)
		load->no_memory = true;
	return memory;
}

char *
sfc_load_copy(struct sfc_load *load, const char *text)
{
	char *copy;

	if (!text)
		return NULL;
	copy = strdup(text);
	if (!copy)
		load->no_memory = true;
	return copy;
}

void
sfc_load_temp_free(struct sfc_load *load)
{
	while (load->arena) {
		struct sfc_arena *next = load->arena->next;

		free(load->arena);
		load->arena = next;
	}
}
