/*
 * hypercall.c: how a guest speaks to whoever runs it: VMCALL (Intel SDM Vol. 3C 30.3) and VMMCALL (AMD APM Vol. 3) as under a
 * hypervisor, in any ring; and a NOP with a mark, which does nothing on any other machine. None changes what the guest can see.
 *
 * Only processors with features.hypercalls have them. For all others VMCALL and VMMCALL are undefined, and the NOP is a NOP.
 */
#include "cpu/op/op.h"

#include "cpu/hypercall.h"

/* Other hypervisors' calls are as undefined as without one. */
OP(vmcall)
{
    (void)i;
    cpu_check(cpu, (u32)cpu->regs[R_AX] == HYPERCALL_MAGIC && cpu->bus.hypercall, RULE_UD_FEATURE, 0);
    cpu->bus.hypercall(cpu->bus.opaque);
}

OP(hypercall_nop)
{
    (void)i;
    if (cpu->bus.hypercall) {
        cpu->bus.hypercall(cpu->bus.opaque);
    }
}
