/* The image loader, on images made here: a good one, and one lie at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <sys/mman.h>

#include "hv.h"

#define RAM (4 * HV_MIB)

/* File: header, program headers, note, then one page of text and one of data. */
struct file {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[6];
	Elf64_Nhdr nh;
	char name[4];
	struct hv_note note;
	uint8_t page[2][HV_PAGE_SIZE] __attribute__((aligned(4096)));
};

enum { TEXT, DATA, NOTE, INTERP };

static struct file file;
static struct hv_image image;
static char error[HV_ERROR_SIZE];

static int
good(void **state)
{
	(void)state;
	memset(&file, 0, sizeof(file));
	memcpy(file.eh.e_ident, ELFMAG, SELFMAG);
	file.eh.e_ident[EI_CLASS] = ELFCLASS64;
	file.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	file.eh.e_ident[EI_VERSION] = EV_CURRENT;
	file.eh.e_type = ET_EXEC;
	file.eh.e_machine = EM_X86_64;
	file.eh.e_version = EV_CURRENT;
	file.eh.e_entry = 0x200010;
	file.eh.e_phoff = offsetof(struct file, ph);
	file.eh.e_phentsize = sizeof(Elf64_Phdr);
	file.eh.e_phnum = 4;
	file.ph[TEXT] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = offsetof(struct file, page[0]),
		.p_vaddr = 0x200000,
		.p_filesz = HV_PAGE_SIZE,
		.p_memsz = HV_PAGE_SIZE};
	file.ph[DATA] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = offsetof(struct file, page[1]),
		.p_vaddr = 0x201000,
		.p_filesz = 100,
		.p_memsz = 0x2100};
	file.ph[NOTE] = (Elf64_Phdr){.p_type = PT_NOTE,
		.p_offset = offsetof(struct file, nh),
		.p_filesz = sizeof(file.nh) + sizeof(file.name) + sizeof(file.note)};
	file.ph[INTERP] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 1ULL << 40, .p_filesz = 20};
	file.nh = (Elf64_Nhdr){sizeof(file.name), sizeof(file.note), HV_NOTE_TYPE};
	memcpy(file.name, HV_NOTE_NAME, sizeof(file.name));
	file.note = (struct hv_note){HV_ABI_VERSION, 4, 2, 0};
	return 0;
}

static int
parse(size_t size)
{
	error[0] = '\0';
	return hv_elf_parse("image", (const uint8_t *)&file, size, RAM, &image, error);
}

static void
refused(const char *why)
{
	assert_int_equal(parse(sizeof(file)), -ENOEXEC);
	if (strncmp(error, "image: ", 7) != 0 || strstr(error, why) == NULL)
		fail_msg("no \"%s\" in \"%s\"", why, error);
}

static void
good_image_is_taken(void **state)
{
	(void)state;
	assert_int_equal(parse(sizeof(file)), 0);
	assert_int_equal(image.entry, 0x200010);
	assert_int_equal(image.segments, 2);
	assert_int_equal(image.segment[0].prot, PROT_READ | PROT_EXEC);
	assert_int_equal(image.segment[1].prot, PROT_READ | PROT_WRITE);
	assert_int_equal(image.segment[1].size, 0x2100);
	assert_int_equal(image.end, 0x204000);
	assert_int_equal(image.note.pairs, 4);
}

static void
segments_are_sorted(void **state)
{
	Elf64_Phdr text = file.ph[TEXT];

	(void)state;
	file.ph[TEXT] = file.ph[DATA];
	file.ph[DATA] = text;
	assert_int_equal(parse(sizeof(file)), 0);
	assert_int_equal(image.segment[0].addr, 0x200000);
	assert_int_equal(image.end, 0x204000);
}

static void
wrong_kind_of_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse(10), -ENOEXEC);
	assert_non_null(strstr(error, "10 bytes, at least 64"));
	file.eh.e_ident[0] = 'x';
	refused("not an ELF file");
	good(NULL);
	file.eh.e_ident[EI_CLASS] = ELFCLASS32;
	refused("class 1");
	good(NULL);
	file.eh.e_machine = EM_AARCH64;
	refused("machine 183, want 62");
	good(NULL);
	file.eh.e_type = ET_DYN;
	refused("type 3, want 2");
	good(NULL);
	file.ph[INTERP].p_type = PT_DYNAMIC;
	refused("dynamically linked");
	good(NULL);
	file.eh.e_version = 7;
	refused("version (7, want 1)");
}

static void
lying_program_headers_are_refused(void **state)
{
	(void)state;
	file.eh.e_phentsize = 55;
	refused("55, want 56");
	good(NULL);
	file.eh.e_phnum = 0;
	refused("0, 1 to 64");
	file.eh.e_phnum = 65;
	refused("65, 1 to 64");
	good(NULL);
	file.eh.e_phoff = UINT64_MAX - 8;
	refused("program headers outside the file");
}

static void
segment_outside_the_file_is_refused(void **state)
{
	(void)state;
	file.ph[TEXT].p_offset = sizeof(file) - 1;
	refused("outside the file");
	file.ph[TEXT].p_offset = UINT64_MAX - 100;
	refused("outside the file");
	good(NULL);
	file.ph[DATA].p_filesz = 0x2101;
	refused("file size over memory size (8449, 8448)");
}

static void
segment_outside_guest_memory_is_refused(void **state)
{
	static const struct {
		uint64_t addr, size;
	} rows[] = {
		{0, 0x1000},
		{0x1ff000, 0x1000},
		{0x1fffff, 0x1000},
		{HV_RAM_ADDR + RAM, 0x1000},
		{HV_RAM_ADDR + RAM - 0x1000, 0x1001},
		{0x201000, UINT64_MAX},
		{UINT64_MAX - 0xfff, 0x1000},
		{0x201000, UINT64_MAX - 0x200fff},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		file.ph[DATA].p_vaddr = rows[i].addr;
		file.ph[DATA].p_memsz = rows[i].size;
		refused("outside guest memory");
	}
	file.ph[DATA].p_vaddr = HV_RAM_ADDR + RAM - 0x1000;
	file.ph[DATA].p_memsz = 0x1000;
	assert_int_equal(parse(sizeof(file)), 0);
}

static void
shared_pages_are_refused(void **state)
{
	(void)state;
	file.ph[DATA].p_vaddr = 0x200fff;
	refused("shares a page with the one at 0x200000");
	good(NULL);
	file.ph[TEXT].p_vaddr = 0x202000;
	refused("shares a page");
	good(NULL);
	file.ph[TEXT].p_vaddr = 0x203f00; /* the last bytes of data end in the same page */
	file.ph[TEXT].p_memsz = file.ph[TEXT].p_filesz = 1;
	refused("shares a page with the one at 0x203f00");
}

static void
wrong_protection_is_refused(void **state)
{
	(void)state;
	file.ph[TEXT].p_flags = PF_R | PF_W | PF_X;
	refused("writable and executable");
	file.ph[TEXT].p_flags = PF_X;
	refused("not readable");
	good(NULL);
	file.ph[TEXT].p_flags = PF_R;
	refused("entry point outside the code (0x200010)");
	good(NULL);
	file.eh.e_entry = 0x201000;
	refused("entry point outside the code (0x201000)");
}

static void
lying_notes_are_refused(void **state)
{
	(void)state;
	file.ph[NOTE].p_type = PT_NULL;
	refused("no VNF note");
	good(NULL);
	file.ph[NOTE].p_offset = UINT64_MAX;
	refused("notes outside the file");
	good(NULL);
	file.nh.n_namesz = UINT32_MAX;
	refused("note reaches past its segment");
	good(NULL);
	file.nh.n_descsz = 17;
	refused("note reaches past its segment");
	good(NULL);
	file.nh.n_descsz = 12;
	refused("wrong size (12 bytes, want 16)");
	good(NULL);
	file.note.abi = HV_ABI_VERSION + 1;
	refused("wrong ABI version");
	good(NULL);
	file.note.pairs = 17;
	refused("17, 1 to 16");
	file.note.pairs = 0;
	refused("0, 1 to 16");
	good(NULL);
	file.note.features = 1;
	refused("unknown features (0x1");
	good(NULL);
	file.note.ram_mib = 5;
	refused("needs more memory (5 MiB, given 4)");
	good(NULL);
	file.ph[INTERP] = file.ph[NOTE];
	refused("more than one");
}

static void
foreign_notes_are_skipped(void **state)
{
	(void)state;
	memcpy(file.name, "GNU", 4);
	refused("no VNF note");
	good(NULL);
	file.nh.n_type = 2;
	refused("no VNF note");
}

static void
too_many_segments_are_refused(void **state)
{
	Elf64_Phdr *ph = (Elf64_Phdr *)(void *)file.page[0];

	(void)state;
	file.eh.e_phoff = offsetof(struct file, page[0]);
	file.eh.e_phnum = 9;
	for (uint32_t i = 0; i < 9; i++) {
		ph[i] = file.ph[TEXT];
		ph[i].p_vaddr += i * 0x1000;
	}
	refused("too many segments (over 8)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(good_image_is_taken, good),
		cmocka_unit_test_setup(segments_are_sorted, good),
		cmocka_unit_test_setup(wrong_kind_of_file_is_refused, good),
		cmocka_unit_test_setup(lying_program_headers_are_refused, good),
		cmocka_unit_test_setup(segment_outside_the_file_is_refused, good),
		cmocka_unit_test_setup(segment_outside_guest_memory_is_refused, good),
		cmocka_unit_test_setup(shared_pages_are_refused, good),
		cmocka_unit_test_setup(wrong_protection_is_refused, good),
		cmocka_unit_test_setup(lying_notes_are_refused, good),
		cmocka_unit_test_setup(foreign_notes_are_skipped, good),
		cmocka_unit_test_setup(too_many_segments_are_refused, good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
