/**
 * The two halves of the KVM runtime: hv_kvm.c (VM, memory slots, exits) and hv_kvm_x86_64.c (page tables,
 * descriptor tables, registers). Included by these two only.
 */
#ifndef HV_KVM_H
#define HV_KVM_H

#include "hv.h"

/* The private slot, supervisor only: addresses in its first megabyte. */
#define HV_KVM_PRIVATE_SIZE HV_PRIVATE_SIZE

/**
 * Write page tables, GDT, TSS, IDT and crash stub into the private slot.
 *
 * @param host  its HV_PRIVATE_SIZE zeroed bytes.
 * @return      0, or -ENOSPC when the image needs more page tables than fit.
 */
int hv_kvm_tables(uint8_t *host, const struct hv_mem *mem);

/**
 * Put a vCPU at the first instruction of the guest: ring 3, long mode (hypervisor.md 3).
 *
 * @param rip  where to start.
 * @param xcr0  out: what SET_XCRS took.
 * @return     0 or -errno, with the name of the failed call in `call`.
 */
int hv_kvm_registers(int kvm, int vcpu, uint64_t rip, uint64_t rsp, uint64_t *xcr0, const char **call);

/** Set RIP and RSP and the argument of the guest's entry. 0 or -errno. */
int hv_kvm_entry(int vcpu, uint64_t rip, uint64_t rsp);

/** Address of the ring-3 probe: endless stores of 0 to the WAIT doorbell, to measure an exit. */
uint64_t hv_kvm_probe(void);

#endif
