/*
 * piix4_pm.h: function 3 of the 82371AB (PIIX4): ACPI power management, APM ports and SMBus.
 *
 * Documents: 82371AB (PIIX4), order number 290562-001, chapter 7; ACPI 1.0b chapter 4.7. GPE0 lies
 * at AFE0h, as in QEMU's `pc`, rather than inside the PM registers. Modelled: PM1 event and control
 * registers, the 24-bit PM timer with its overflow event, GPE0, S5, the power button and RTC
 * events, APMC/APMS (B2h, B3h) with the SMI that APMC_EN allows, ACPI enable and disable through
 * APMC, SMBus. Not modelled: device monitors and their SMIs, clock throttling, sleep states S1 to
 * S4 (a request wakes at once).
 */
#ifndef DEVICES_CHIPSET_PIIX4_PM_H
#define DEVICES_CHIPSET_PIIX4_PM_H

#include "devices/chipset/pci.h"

#define PM_TIMER_HZ 3579545u

enum {
    PIIX4_GPE0_PORT = 0xafe0,
    PIIX4_GPE0_SIZE = 4,
    PIIX4_APM_PORT = 0xb2,

    /* What FADT tells the guest to write to APMC. */
    PIIX4_ACPI_ENABLE = 0xf1,
    PIIX4_ACPI_DISABLE = 0xf0,
};

struct piix4_pm;

struct piix4_pm_wires {
    struct irq *sci;       /* ISA interrupt 9, level */
    struct irq *smi;       /* pulsed */
    struct irq *power_off; /* pulsed on entering S5 */
};

struct piix4_pm *piix4_pm_create(struct pci_bus *bus, u8 devfn, struct clock *clock,
                                 const struct piix4_pm_wires *wires);
struct device *piix4_pm_device(struct piix4_pm *pm);
/* Someone pressed the power button. */
void piix4_pm_power_button(struct piix4_pm *pm);
/* A rising level here is the RTC alarm event. */
struct irq *piix4_pm_rtc_input(struct piix4_pm *pm);
/* Events of GPE0 (bits 0..15), for hot-plug and the like. */
void piix4_pm_raise_gpe(struct piix4_pm *pm, unsigned bit);
/* Where firmware has put the PM registers (PMBA), 0 while they are not decoded. */
u16 piix4_pm_base(const struct piix4_pm *pm);

#endif
