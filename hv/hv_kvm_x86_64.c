/* Ring-3 start of a vCPU. Numbers without a source are from the Intel SDM, volume 3. */
#include "hv_kvm.h"

#include <asm/kvm.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* Map of the private slot. Page 0 stays unmapped, so that a null pointer faults. */
#define PML4_ADDR  0x1000u
#define PDPT_ADDR  0x2000u
#define PD_ADDR    0x3000u /* four of them, one per GiB */
#define GDT_ADDR   0x7000u
#define TSS_ADDR   0x7100u
#define IDT_ADDR   0x8000u
#define STUB_ADDR  0x9000u /* common part, system call entry, probe */
#define PROBE_ADDR 0xa000u /* the one page of the slot that ring 3 may execute */
#define GATE_ADDR  0xb000u /* 256 entries of 16 bytes */
#define IST_TOP    0xd000  /* its page is below */
#define PT_ADDR    0x10000u
#define PT_END     HV_PRIVATE_SIZE

#define PTE_P  (1ULL << 0)
#define PTE_W  (1ULL << 1)
#define PTE_U  (1ULL << 2)
#define PTE_AD (3ULL << 5) /* accessed and dirty from the start: no walker has to set them */
#define PTE_PS (1ULL << 7)
#define PTE_NX (1ULL << 63)

#define SEL_KERNEL_CODE 0x08u
#define SEL_USER_DATA   0x2bu
#define SEL_USER_CODE   0x33u
#define SEL_TSS         0x40u

/* Offsets of hv_status that the stub stores to. */
#define STATUS_STATE 0x102000
#define CRASH_VECTOR 0x102100
#define CRASH_ERROR  0x102108
#define CRASH_CR2    0x102110
#define CRASH_RIP    0x102118
#define CRASH_CS     0x102120
#define CRASH_RFLAGS 0x102128
#define CRASH_RSP    0x102130
#define CRASH_SS     0x102138

#define CRASH_AT(field)                                                                                      \
	(HV_STATUS_ADDR + offsetof(struct hv_status, crash) + offsetof(struct hv_crash, field))
static_assert(HV_STATUS_ADDR + offsetof(struct hv_status, state) == STATUS_STATE, "stub");
static_assert(CRASH_AT(vector) == CRASH_VECTOR && CRASH_AT(error) == CRASH_ERROR, "stub");
static_assert(CRASH_AT(cr2) == CRASH_CR2 && CRASH_AT(rip) == CRASH_RIP && CRASH_AT(cs) == CRASH_CS, "stub");
static_assert(
	CRASH_AT(rflags) == CRASH_RFLAGS && CRASH_AT(rsp) == CRASH_RSP && CRASH_AT(ss) == CRASH_SS, "stub");
static_assert(HV_DOORBELL_ADDR == 0xd0000000 && HV_DOORBELL_EXIT == 0 && HV_DOORBELL_WAIT == 8, "stub");
static_assert(HV_STATE_CRASHED == 4 && HV_EXIT_EXCEPTION == 67, "stub");

#define TEXT2(x) #x
#define TEXT(x)  TEXT2(x)

/*
 * Position-independent, copied into the guest. Common part: stack holds vector, error code and the interrupt
 * frame. A stray `syscall` comes without a stack and is recorded as the invalid opcode it ought to be.
 */
__asm__(".pushsection .rodata\n"
	"hv_stub_begin:\n"
	"	pop %rax; mov %rax, " TEXT(
		CRASH_VECTOR) "\n"
			      "	pop %rax; mov %rax, " TEXT(
				      CRASH_ERROR) "\n"
						   "	mov %cr2, %rax; mov %rax, " TEXT(
							   CRASH_CR2) "\n"
								      "	pop %rax; mov %rax, " TEXT(
									      CRASH_RIP) "\n"
											 "	pop %rax; "
											 "mov %rax, " TEXT(
												 CRASH_CS) "\n"
													   "	pop %rax; mov %rax, " TEXT(
														   CRASH_RFLAGS) "\n"
																 "	pop %rax; mov %rax, " TEXT(
																	 CRASH_RSP) "\n"
																		    "	pop %rax; mov %rax, " TEXT(
																			    CRASH_SS) "\n"
																				      "	movl $4, " TEXT(
																					      STATUS_STATE) "\n"
																							    "	mov $0xd0000000, %eax\n"
																							    "	movl $67, (%rax)\n"
																							    "1:	jmp 1b\n"
																							    "hv_stub_syscall:\n"
																							    "	mov %rsp, %rax\n"
																							    "	mov $" TEXT(
																								    IST_TOP) ", %esp\n"
																									     "	push $0x2b; push %rax; push %r11; push $0x33\n"
																									     "	sub $2, %rcx; push %rcx; push $0; push $6\n"
																									     "	jmp hv_stub_begin\n"
																									     "hv_stub_end:\n"
																									     "hv_probe_begin:\n"
																									     "	mov $0xd0000008, %eax\n"
																									     "2:	movl $0, (%rax)\n"
																									     "	jmp 2b\n"
																									     "hv_probe_end:\n"
																									     ".popsection\n");
extern const uint8_t hv_stub_begin[], hv_stub_syscall[], hv_stub_end[], hv_probe_begin[], hv_probe_end[];

struct tables {
	uint8_t *host;
	uint32_t next_pt; /* next free page table */
};

static uint64_t *
page(const struct tables *t, uint64_t addr)
{
	return (uint64_t *)(void *)(t->host + addr);
}

/* The page table that covers `addr`, made when missing; NULL when the pool is empty. */
static uint64_t *
page_table(struct tables *t, uint64_t addr)
{
	uint64_t *pde = page(t, PD_ADDR + (addr >> 30) * HV_PAGE_SIZE) + ((addr >> 21) & 511);

	if (*pde == 0) {
		if (t->next_pt >= PT_END)
			return NULL;
		*pde = t->next_pt | PTE_P | PTE_W | PTE_U | PTE_AD;
		t->next_pt += HV_PAGE_SIZE;
	}
	return page(t, *pde & 0xffffffff000ULL);
}

/* Identity map [addr, addr + size), by 2 MiB pages where they fit. */
static int
map(struct tables *t, uint64_t addr, uint64_t size, uint64_t flags)
{
	uint64_t end = addr + size;

	while (addr < end) {
		uint64_t *pde = page(t, PD_ADDR + (addr >> 30) * HV_PAGE_SIZE) + ((addr >> 21) & 511);

		if ((addr & 0x1fffff) == 0 && end - addr >= 0x200000 && *pde == 0) {
			*pde = addr | flags | PTE_P | PTE_AD | PTE_PS;
			addr += 0x200000;
			continue;
		}
		uint64_t *pt = page_table(t, addr);
		if (pt == NULL)
			return -ENOSPC;
		pt[(addr >> 12) & 511] = addr | flags | PTE_P | PTE_AD;
		addr += HV_PAGE_SIZE;
	}
	return 0;
}

static uint64_t
prot_flags(int prot)
{
	return PTE_U | (prot & PROT_WRITE ? PTE_W : 0) | (prot & PROT_EXEC ? 0 : PTE_NX);
}

static int
map_guest(struct tables *t, const struct hv_mem *mem)
{
	const uint64_t data = PTE_U | PTE_W | PTE_NX;
	int rc = 0;

	page(t, PML4_ADDR)[0] = PDPT_ADDR | PTE_P | PTE_W | PTE_U | PTE_AD;
	for (uint32_t i = 0; i < 4; i++)
		page(t, PDPT_ADDR)[i] = (PD_ADDR + i * HV_PAGE_SIZE) | PTE_P | PTE_W | PTE_U | PTE_AD;

	/* Supervisor: GDT and TSS, IDT, stub, gates, stack. The page tables are not mapped at all. */
	rc |= map(t, GDT_ADDR, HV_PAGE_SIZE, PTE_W | PTE_NX);
	rc |= map(t, IDT_ADDR, HV_PAGE_SIZE, PTE_NX);
	rc |= map(t, STUB_ADDR, HV_PAGE_SIZE, 0);
	rc |= map(t, GATE_ADDR, HV_PAGE_SIZE, 0);
	rc |= map(t, IST_TOP - HV_PAGE_SIZE, HV_PAGE_SIZE, PTE_W | PTE_NX);

	rc |= map(t, PROBE_ADDR, HV_PAGE_SIZE, PTE_U);
	rc |= map(t, mem->boot.addr, mem->boot.size, PTE_U | PTE_NX);
	rc |= map(t, mem->shared.addr, mem->shared.size, data);
	rc |= map(t, mem->ring.addr, mem->ring.size, data);
	rc |= map(t, HV_DOORBELL_ADDR, HV_PAGE_SIZE, data);
	for (uint32_t i = 0; i < mem->regions; i++)
		if (mem->region[i].prot != PROT_NONE)
			rc |= map(
				t, mem->region[i].addr, mem->region[i].size, prot_flags(mem->region[i].prot));
	return rc == 0 ? 0 : -ENOSPC;
}

static bool
pushes_error(unsigned int vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 ||
	       vector == 29 || vector == 30;
}

/* One 16-byte entry per vector: push 0 when the CPU pushes no error code; push vector; jmp common. */
static void
write_gates(const struct tables *t)
{
	memcpy(t->host + STUB_ADDR, hv_stub_begin, (size_t)(hv_stub_end - hv_stub_begin));
	memcpy(t->host + PROBE_ADDR, hv_probe_begin, (size_t)(hv_probe_end - hv_probe_begin));
	for (uint32_t v = 0; v < 256; v++) {
		uint64_t addr = GATE_ADDR + v * 16ULL;
		uint8_t *code = t->host + addr;
		uint64_t *gate = page(t, IDT_ADDR) + v * 2ULL;
		uint32_t n = 0;

		if (!pushes_error(v)) {
			code[n++] = 0x6a;
			code[n++] = 0;
		}
		code[n++] = 0x68;
		memcpy(code + n, &v, 4);
		n += 4;
		code[n++] = 0xe9;
		int32_t jump = (int32_t)(STUB_ADDR - (addr + n + 4));
		memcpy(code + n, &jump, 4);

		/* Present interrupt gate, DPL 0, IST 1: `int n` in ring 3 is a #GP. */
		gate[0] = (addr & 0xffff) | (SEL_KERNEL_CODE << 16) | (1ULL << 32) | (0x8eULL << 40) |
		          ((addr >> 16) << 48);
		gate[1] = 0;
	}
}

static void
write_segments(const struct tables *t)
{
	uint64_t *gdt = page(t, GDT_ADDR);
	uint8_t *tss = t->host + TSS_ADDR;
	uint64_t stack = IST_TOP;
	uint16_t no_io_map = 0x68;

	gdt[1] = 0x00af9b000000ffffULL;                               /* 0x08 kernel code */
	gdt[2] = 0x00cf93000000ffffULL;                               /* 0x10 kernel data */
	gdt[5] = 0x00cff3000000ffffULL;                               /* 0x28 user data */
	gdt[6] = 0x00affb000000ffffULL;                               /* 0x30 user code */
	gdt[8] = 0x67 | ((uint64_t)TSS_ADDR << 16) | (0x8bULL << 40); /* 0x40 busy 64-bit TSS */
	memcpy(tss + 4, &stack, 8);                                   /* RSP0 */
	memcpy(tss + 0x24, &stack, 8);                                /* IST1 */
	memcpy(tss + 0x66, &no_io_map, 2);
}

int
hv_kvm_tables(uint8_t *host, const struct hv_mem *mem)
{
	struct tables t = {host, PT_ADDR};

	write_segments(&t);
	write_gates(&t);
	return map_guest(&t, mem);
}

uint64_t
hv_kvm_probe(void)
{
	return PROBE_ADDR;
}

static int
set_sregs(int vcpu)
{
	struct kvm_segment data = {.limit = ~0u,
		.selector = SEL_USER_DATA,
		.type = 3,
		.present = 1,
		.dpl = 3,
		.db = 1,
		.s = 1,
		.g = 1};
	struct kvm_segment code = {.limit = ~0u,
		.selector = SEL_USER_CODE,
		.type = 11,
		.present = 1,
		.dpl = 3,
		.s = 1,
		.l = 1,
		.g = 1};
	struct kvm_sregs s;

	if (ioctl(vcpu, KVM_GET_SREGS, &s) < 0)
		return -errno;
	s.cs = code;
	s.ds = s.es = s.ss = data;
	s.fs = s.gs = data;
	s.tr = (struct kvm_segment){
		.base = TSS_ADDR, .limit = 0x67, .selector = SEL_TSS, .type = 11, .present = 1};
	s.ldt = (struct kvm_segment){.unusable = 1};
	s.gdt = (struct kvm_dtable){.base = GDT_ADDR, .limit = 10 * 8 - 1};
	s.idt = (struct kvm_dtable){.base = IDT_ADDR, .limit = 256 * 16 - 1};
	s.cr0 = 0x80050033; /* PG AM WP NE ET MP PE */
	s.cr3 = PML4_ADDR;
	s.cr4 = 0x50620; /* OSXSAVE FSGSBASE OSXMMEXCPT OSFXSR PAE */
	s.efer = 0xd01;  /* NXE LMA LME SCE */
	return ioctl(vcpu, KVM_SET_SREGS, &s) < 0 ? -errno : 0;
}

static int
set_xcrs(int vcpu, uint64_t *xcr0)
{
	const uint64_t wanted[] = {hv_host_xcr0(), 7, 3};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct kvm_xcrs x = {.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = wanted[i]}};

		if (ioctl(vcpu, KVM_SET_XCRS, &x) == 0) {
			*xcr0 = wanted[i];
			return 0;
		}
	}
	return -errno;
}

static int
set_msrs(int vcpu)
{
	union {
		struct kvm_msrs list;
		uint8_t space[sizeof(struct kvm_msrs) + 3 * sizeof(struct kvm_msr_entry)];
	} m = {.list.nmsrs = 3};
	const struct kvm_msr_entry wanted[3] = {
		{.index = 0xc0000081, .data = (uint64_t)SEL_KERNEL_CODE << 32}, /* STAR */
		{.index = 0xc0000082,
			.data = STUB_ADDR + (uint64_t)(hv_stub_syscall - hv_stub_begin)}, /* LSTAR */
		{.index = 0xc0000084, .data = 0x47700}, /* FMASK: TF IF DF IOPL NT AC */
	};

	memcpy(m.list.entries, wanted, sizeof(wanted));
	int done = ioctl(vcpu, KVM_SET_MSRS, &m);
	if (done < 0)
		return -errno;
	return done == 3 ? 0 : -EINVAL;
}

static int
set_cpuid(int kvm, int vcpu)
{
	union {
		struct kvm_cpuid2 list;
		uint8_t space[sizeof(struct kvm_cpuid2) + 128 * sizeof(struct kvm_cpuid_entry2)];
	} c = {.list.nent = 128};

	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &c) < 0 || ioctl(vcpu, KVM_SET_CPUID2, &c) < 0)
		return -errno;
	return 0;
}

int
hv_kvm_entry(int vcpu, uint64_t rip, uint64_t rsp)
{
	struct kvm_regs regs = {.rip = rip, .rsp = rsp - 8, .rdi = HV_BOOT_ADDR, .rflags = 2};

	return ioctl(vcpu, KVM_SET_REGS, &regs) < 0 ? -errno : 0;
}

int
hv_kvm_registers(int kvm, int vcpu, uint64_t rip, uint64_t rsp, uint64_t *xcr0, const char **call)
{
	struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};
	int rc;

	*call = "KVM_SET_CPUID2";
	rc = set_cpuid(kvm, vcpu);
	if (rc == 0) {
		*call = "KVM_SET_SREGS";
		rc = set_sregs(vcpu);
	}
	if (rc == 0) {
		*call = "KVM_SET_XCRS";
		rc = set_xcrs(vcpu, xcr0);
	}
	if (rc == 0) {
		*call = "KVM_SET_FPU";
		rc = ioctl(vcpu, KVM_SET_FPU, &fpu) < 0 ? -errno : 0;
	}
	if (rc == 0) {
		*call = "KVM_SET_MSRS";
		rc = set_msrs(vcpu);
	}
	if (rc == 0) {
		*call = "KVM_SET_REGS";
		rc = hv_kvm_entry(vcpu, rip, rsp);
	}
	return rc;
}
