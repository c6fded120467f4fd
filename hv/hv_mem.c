#include "hv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a queue takes of memfd B: descriptors, then avail, then used, on cache lines of their own. */
#define QUEUE_AVAIL 0x1000u
#define QUEUE_USED  0x1400u
#define QUEUE_BYTES 0x2000u

static_assert(QUEUE_AVAIL == 16 * HV_QUEUE_SIZE, "descriptors end where avail begins");
static_assert(QUEUE_AVAIL + 6 + 2 * HV_QUEUE_SIZE <= QUEUE_USED, "avail fits");
static_assert(QUEUE_USED + 6 + 8 * HV_QUEUE_SIZE <= QUEUE_BYTES, "used fits");

static int
area_init(struct hv_area *area, const char *name, uint64_t addr, uint64_t size)
{
	area->addr = addr;
	area->size = size;
	area->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (area->fd < 0 || ftruncate(area->fd, (off_t)size) < 0)
		goto fail;
	area->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, area->fd, 0);
	if (area->host == MAP_FAILED)
		goto fail;
	return 0;
fail:
	hv_error("%s: no memory: %s (%llu KiB)", name, strerror(errno), (unsigned long long)(size / 1024));
	return HV_EXIT_NO_MEMORY;
}

/* Allocate and seal: afterwards no peer can shrink it under a reader. */
static int
area_seal(const struct hv_area *area, const char *name)
{
	if (fallocate(area->fd, 0, 0, (off_t)area->size) < 0 ||
		fcntl(area->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		hv_error("%s: cannot allocate: %s (%llu KiB)", name, strerror(errno),
			(unsigned long long)(area->size / 1024));
		return HV_EXIT_NO_MEMORY;
	}
	return 0;
}

int
hv_mem_init(struct hv_mem *mem, uint32_t memory_mib, uint32_t pairs)
{
	uint64_t ring_size = pairs * (2ULL * QUEUE_BYTES + (uint64_t)HV_BUFFERS * HV_BUFFER);
	char path[32];

	if (area_init(&mem->boot, "boot memory", HV_BOOT_ADDR, HV_SHARED_ADDR - HV_BOOT_ADDR) != 0 ||
		area_init(&mem->shared, "status memory", HV_SHARED_ADDR, HV_SHARED_SIZE) != 0 ||
		area_init(&mem->ram, "guest memory", HV_RAM_ADDR, memory_mib * HV_MIB) != 0 ||
		area_init(&mem->ring, "ring memory", HV_RING_ADDR, ring_size) != 0 ||
		area_seal(&mem->shared, "status memory") != 0 || area_seal(&mem->ring, "ring memory") != 0)
		return HV_EXIT_NO_MEMORY;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", mem->shared.fd);
	mem->shared_ro = open(path, O_RDONLY | O_CLOEXEC);
	if (mem->shared_ro < 0) {
		hv_error("status memory: cannot open it read only: %s (%s)", strerror(errno), path);
		return HV_EXIT_NO_MEMORY;
	}
	/* Huge pages where the host gives them to shared memory; else ordinary ones. */
	madvise(mem->ram.host, mem->ram.size, MADV_HUGEPAGE);
	return 0;
}

static void
add_region(struct hv_mem *mem, uint64_t addr, uint64_t end, int prot)
{
	if (end > addr)
		mem->region[mem->regions++] = (struct hv_region){addr, end - addr, prot};
}

int
hv_mem_load(struct hv_mem *mem, const char *name, const uint8_t *bytes, const struct hv_image *image)
{
	uint64_t ram_end = HV_RAM_ADDR + mem->ram.size;
	uint64_t at = HV_RAM_ADDR;
	uint64_t needed = image->end + 2 * HV_PAGE_SIZE + HV_STACK_SIZE + HV_PAGE_SIZE;

	if (needed > ram_end) {
		hv_error("%s: image, stack and heap do not fit into memory (%llu KiB, limit %llu)", name,
			(unsigned long long)((needed - HV_RAM_ADDR) / 1024),
			(unsigned long long)(mem->ram.size / 1024));
		return HV_EXIT_IMAGE;
	}
	for (uint32_t i = 0; i < image->segments; i++) {
		const struct hv_segment *s = &image->segment[i];
		uint64_t start = s->addr & ~(uint64_t)(HV_PAGE_SIZE - 1);
		uint64_t end = (s->addr + s->size + HV_PAGE_SIZE - 1) & ~(uint64_t)(HV_PAGE_SIZE - 1);

		memcpy(mem->ram.host + (s->addr - HV_RAM_ADDR), bytes + s->file_offset, s->file_size);
		add_region(mem, at, start, PROT_NONE);
		add_region(mem, start, end, s->prot);
		at = end;
	}
	mem->stack_top = at + HV_PAGE_SIZE + HV_STACK_SIZE;
	mem->heap = mem->stack_top + HV_PAGE_SIZE;
	add_region(mem, at, at + HV_PAGE_SIZE, PROT_NONE);
	add_region(mem, at + HV_PAGE_SIZE, mem->stack_top, PROT_READ | PROT_WRITE);
	add_region(mem, mem->stack_top, mem->heap, PROT_NONE);
	add_region(mem, mem->heap, ram_end, PROT_READ | PROT_WRITE);
	return 0;
}

int
hv_mem_prefault(struct hv_mem *mem)
{
	if (madvise(mem->ram.host, mem->ram.size, MADV_POPULATE_WRITE) == 0)
		return 0;
	hv_error("guest memory: cannot allocate: %s (%llu KiB)", strerror(errno),
		(unsigned long long)(mem->ram.size / 1024));
	return HV_EXIT_NO_MEMORY;
}

void *
hv_mem_at(const struct hv_mem *mem, uint64_t addr, uint64_t size)
{
	const struct hv_area *areas[] = {&mem->boot, &mem->shared, &mem->ram, &mem->ring};

	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		const struct hv_area *a = areas[i];
		if (addr >= a->addr && addr - a->addr <= a->size && size <= a->size - (addr - a->addr))
			return a->host + (addr - a->addr);
	}
	return NULL;
}

void
hv_mem_queues(const struct hv_mem *mem, uint32_t pairs, struct hv_net *net)
{
	for (uint32_t q = 0; q < 2 * pairs; q++) {
		uint64_t base = mem->ring.addr + (uint64_t)q * QUEUE_BYTES;
		net->queue[q].desc = base;
		net->queue[q].avail = base + QUEUE_AVAIL;
		net->queue[q].used = base + QUEUE_USED;
		net->queue[q].size = HV_QUEUE_SIZE;
	}
	net->buffers = mem->ring.addr + 2ULL * pairs * QUEUE_BYTES;
	net->buffers_size = mem->ring.size - 2ULL * pairs * QUEUE_BYTES;
}
