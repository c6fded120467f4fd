#include "hv.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct reader {
	const char *name;
	const uint8_t *bytes;
	size_t size;
	char *error;
};

#define REFUSE(r, ...)                                                                                       \
	(snprintf((r)->error, HV_ERROR_SIZE, "%.100s: ", (r)->name),                                         \
		snprintf((r)->error + strlen((r)->error), HV_ERROR_SIZE - strlen((r)->error), __VA_ARGS__),  \
		-ENOEXEC)

/* Whether [offset, offset + size) lies in the file. */
static bool
in_file(const struct reader *r, uint64_t offset, uint64_t size)
{
	return offset <= r->size && size <= r->size - offset;
}

static int
check_header(const struct reader *r, Elf64_Ehdr *eh)
{
	if (r->size < sizeof(*eh))
		return REFUSE(
			r, "too short for an ELF header (%zu bytes, at least %zu)", r->size, sizeof(*eh));
	memcpy(eh, r->bytes, sizeof(*eh));
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return REFUSE(r, "not an ELF file");
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return REFUSE(r, "not a 64-bit little-endian ELF (class %u, data %u)", eh->e_ident[EI_CLASS],
			eh->e_ident[EI_DATA]);
	if (eh->e_machine != EM_X86_64)
		return REFUSE(r, "not for x86-64 (machine %u, want %u)", eh->e_machine, EM_X86_64);
	if (eh->e_type != ET_EXEC)
		return REFUSE(r, "not a static executable (type %u, want %u)", eh->e_type, ET_EXEC);
	if (eh->e_version != EV_CURRENT || eh->e_ident[EI_VERSION] != EV_CURRENT)
		return REFUSE(r, "unknown ELF version (%u, want %u)", eh->e_version, EV_CURRENT);
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return REFUSE(
			r, "wrong program header size (%u, want %zu)", eh->e_phentsize, sizeof(Elf64_Phdr));
	if (eh->e_phnum == 0 || eh->e_phnum > 64)
		return REFUSE(r, "wrong number of program headers (%u, 1 to 64)", eh->e_phnum);
	if (!in_file(r, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr)))
		return REFUSE(r, "program headers outside the file (offset 0x%" PRIx64 ", file %zu bytes)",
			eh->e_phoff, r->size);
	return 0;
}

static uint64_t
page_up(uint64_t addr)
{
	return (addr + HV_PAGE_SIZE - 1) & ~(uint64_t)(HV_PAGE_SIZE - 1);
}

static uint64_t
page_down(uint64_t addr)
{
	return addr & ~(uint64_t)(HV_PAGE_SIZE - 1);
}

static int
add_segment(const struct reader *r, const Elf64_Phdr *ph, uint64_t ram_size, struct hv_image *image)
{
	uint64_t ram_end = HV_RAM_ADDR + ram_size;

	if (ph->p_filesz > ph->p_memsz)
		return REFUSE(r,
			"segment at 0x%" PRIx64 ": file size over memory size (%" PRIu64 ", %" PRIu64 ")",
			ph->p_vaddr, ph->p_filesz, ph->p_memsz);
	if (ph->p_memsz == 0)
		return 0;
	if (!in_file(r, ph->p_offset, ph->p_filesz))
		return REFUSE(r,
			"segment at 0x%" PRIx64 ": outside the file (offset 0x%" PRIx64 ", file %zu bytes)",
			ph->p_vaddr, ph->p_offset, r->size);
	if (ph->p_vaddr < HV_RAM_ADDR || ph->p_vaddr >= ram_end || ph->p_memsz > ram_end - ph->p_vaddr)
		return REFUSE(r,
			"segment at 0x%" PRIx64 ": outside guest memory (%" PRIu64
			" bytes, 0x%llx to 0x%" PRIx64 ")",
			ph->p_vaddr, ph->p_memsz, HV_RAM_ADDR, ram_end);
	if ((ph->p_flags & PF_W) && (ph->p_flags & PF_X))
		return REFUSE(r, "segment at 0x%" PRIx64 ": writable and executable (flags %u)", ph->p_vaddr,
			ph->p_flags);
	if (!(ph->p_flags & PF_R))
		return REFUSE(
			r, "segment at 0x%" PRIx64 ": not readable (flags %u)", ph->p_vaddr, ph->p_flags);
	if (image->segments == HV_MAX_SEGMENTS)
		return REFUSE(r, "too many segments (over %u)", HV_MAX_SEGMENTS);

	/* Insert by address; pages, not bytes, may not overlap: a page has one protection. */
	uint32_t at = image->segments;
	while (at > 0 && image->segment[at - 1].addr > ph->p_vaddr)
		at--;
	if (at > 0) {
		const struct hv_segment *below = &image->segment[at - 1];
		if (page_up(below->addr + below->size) > page_down(ph->p_vaddr))
			return REFUSE(r, "segment at 0x%" PRIx64 ": shares a page with the one at 0x%" PRIx64,
				ph->p_vaddr, below->addr);
	}
	if (at < image->segments && page_up(ph->p_vaddr + ph->p_memsz) > page_down(image->segment[at].addr))
		return REFUSE(r, "segment at 0x%" PRIx64 ": shares a page with the one at 0x%" PRIx64,
			ph->p_vaddr, image->segment[at].addr);
	memmove(&image->segment[at + 1], &image->segment[at],
		(image->segments - at) * sizeof(image->segment[0]));
	image->segments++;
	image->segment[at] = (struct hv_segment){
		.addr = ph->p_vaddr,
		.size = ph->p_memsz,
		.file_offset = ph->p_offset,
		.file_size = ph->p_filesz,
		.prot = PROT_READ | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	                (ph->p_flags & PF_X ? PROT_EXEC : 0),
	};
	return 0;
}

static int
check_note(
	const struct reader *r, const Elf64_Nhdr *nh, uint64_t desc, uint64_t ram_size, struct hv_note *note)
{
	if (nh->n_descsz != sizeof(*note))
		return REFUSE(r, "VNF note: wrong size (%u bytes, want %zu)", nh->n_descsz, sizeof(*note));
	if (note->abi != 0)
		return REFUSE(r, "VNF note: more than one");
	memcpy(note, r->bytes + desc, sizeof(*note));
	if (note->abi != HV_ABI_VERSION)
		return REFUSE(r, "VNF note: wrong ABI version (%u, want %u)", note->abi, HV_ABI_VERSION);
	if (note->pairs == 0 || note->pairs > HV_MAX_PAIRS)
		return REFUSE(
			r, "VNF note: wrong number of queue pairs (%u, 1 to %u)", note->pairs, HV_MAX_PAIRS);
	if (note->features != 0)
		return REFUSE(r, "VNF note: unknown features (0x%x, want 0)", note->features);
	if (note->ram_mib > ram_size / HV_MIB)
		return REFUSE(r, "needs more memory (%u MiB, given %llu)", note->ram_mib,
			(unsigned long long)(ram_size / HV_MIB));
	return 0;
}

/* Walk one PT_NOTE: header, name and descriptor, each padded to 4 bytes. */
static int
find_note(const struct reader *r, const Elf64_Phdr *ph, uint64_t ram_size, struct hv_note *note)
{
	if (!in_file(r, ph->p_offset, ph->p_filesz))
		return REFUSE(r, "notes outside the file (offset 0x%" PRIx64 ", file %zu bytes)",
			ph->p_offset, r->size);

	uint64_t at = ph->p_offset, end = ph->p_offset + ph->p_filesz;

	while (end - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr nh;
		memcpy(&nh, r->bytes + at, sizeof(nh));
		at += sizeof(nh);

		uint64_t name_size = ((uint64_t)nh.n_namesz + 3) & ~3ULL;
		uint64_t desc_size = ((uint64_t)nh.n_descsz + 3) & ~3ULL;
		if (name_size > end - at || nh.n_descsz > end - at - name_size)
			return REFUSE(r,
				"note reaches past its segment (name %u, descriptor %u, left %" PRIu64 ")",
				nh.n_namesz, nh.n_descsz, end - at);
		if (nh.n_type == HV_NOTE_TYPE && nh.n_namesz == sizeof(HV_NOTE_NAME) &&
			memcmp(r->bytes + at, HV_NOTE_NAME, sizeof(HV_NOTE_NAME)) == 0) {
			int rc = check_note(r, &nh, at + name_size, ram_size, note);
			if (rc < 0)
				return rc;
		}
		/* The padding of the last descriptor may be missing. */
		at += name_size;
		at += desc_size < end - at ? desc_size : end - at;
	}
	return 0;
}

int
hv_elf_parse(const char *name, const uint8_t *bytes, size_t size, uint64_t ram_size, struct hv_image *out,
	char *error)
{
	const struct reader reader = {name, bytes, size, error}, *r = &reader;
	Elf64_Ehdr eh;
	int rc = check_header(r, &eh);

	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; rc == 0 && i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, bytes + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		switch (ph.p_type) {
		case PT_LOAD:
			rc = add_segment(r, &ph, ram_size, out);
			break;
		case PT_NOTE:
			rc = find_note(r, &ph, ram_size, &out->note);
			break;
		case PT_DYNAMIC:
			rc = REFUSE(r, "dynamically linked (dynamic segment at 0x%" PRIx64 ")", ph.p_vaddr);
			break;
		default:
			break;
		}
	}
	if (rc < 0)
		return rc;
	if (out->note.abi == 0)
		return REFUSE(r, "no VNF note: not a guest image");
	for (uint32_t i = 0; i < out->segments; i++) {
		const struct hv_segment *s = &out->segment[i];
		if ((s->prot & PROT_EXEC) && eh.e_entry >= s->addr && eh.e_entry - s->addr < s->size)
			out->entry = eh.e_entry;
		out->end = page_up(s->addr + s->size);
	}
	if (out->entry == 0)
		return REFUSE(r, "entry point outside the code (0x%" PRIx64 ")", eh.e_entry);
	return 0;
}
