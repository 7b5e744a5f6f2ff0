/*
 * dsdt.asl: what the `pc` machine tells an ACPI system about itself: the PCI root with its windows and interrupt
 * links, the ISA devices, soft off.
 *
 * ACPI 1.0b; revision 1, so that integers have 32 bits for every guest. acpi_tables.c patches PCIL and PRES. make.sh
 * compiles this file into dsdt.h.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "RINGSD", "RINGSIDE", 1)
{
    /* The first address above RAM below 4 GiB, from where on firmware places PCI memory. */
    Name (PCIL, 0xE0000000)
    /* Devices that are there: 0-3 COM1 to COM4, 4 LPT1, 5 floppy controller, 6 HPET, 7 PS/2. */
    Name (PRES, 0x0FFFFFFF)

    /* Which interrupt controller the guest drives. PIRQs reach both over the same ISA lines. */
    Name (PICM, 0)
    Method (_PIC, 1) { Store (Arg0, PICM) }

    Name (\_S5, Package () { 0, 0, 0, 0 })

    Scope (\_PR)
    {
        Processor (CPU0, 0, 0, 0) {}
    }

    Scope (\_SB)
    {
        /* _STA of a device by its bit in PRES. */
        Method (PSTA, 1)
        {
            If (And (PRES, Arg0)) { Return (0x0F) }
            Return (0)
        }

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 1)
            Name (_BBN, 0)
            Name (WIND, ResourceTemplate () {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0x0000, 0x00FF, 0, 0x0100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0000, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0, 0xE0000000, 0xFEBFFFFF, 0, 0x1EC00000, , , HOLE)
            })
            Method (_CRS)
            {
                CreateDWordField (WIND, ^HOLE._MIN, HMIN)
                CreateDWordField (WIND, ^HOLE._MAX, HMAX)
                CreateDWordField (WIND, ^HOLE._LEN, HLEN)
                Store (PCIL, HMIN)
                Add (Subtract (HMAX, HMIN), 1, HLEN)
                Return (WIND)
            }
            /* Devices rotate the four lines; INTA# of device 1 is the SCI of its power management function. */
            Name (_PRT, Package ()
            {
            Package () { 0x0000FFFF, 0, LNKD, 0 },
            Package () { 0x0000FFFF, 1, LNKA, 0 },
            Package () { 0x0000FFFF, 2, LNKB, 0 },
            Package () { 0x0000FFFF, 3, LNKC, 0 },
            Package () { 0x0001FFFF, 0, LNKS, 0 },
            Package () { 0x0001FFFF, 1, LNKB, 0 },
            Package () { 0x0001FFFF, 2, LNKC, 0 },
            Package () { 0x0001FFFF, 3, LNKD, 0 },
            Package () { 0x0002FFFF, 0, LNKB, 0 },
            Package () { 0x0002FFFF, 1, LNKC, 0 },
            Package () { 0x0002FFFF, 2, LNKD, 0 },
            Package () { 0x0002FFFF, 3, LNKA, 0 },
            Package () { 0x0003FFFF, 0, LNKC, 0 },
            Package () { 0x0003FFFF, 1, LNKD, 0 },
            Package () { 0x0003FFFF, 2, LNKA, 0 },
            Package () { 0x0003FFFF, 3, LNKB, 0 },
            Package () { 0x0004FFFF, 0, LNKD, 0 },
            Package () { 0x0004FFFF, 1, LNKA, 0 },
            Package () { 0x0004FFFF, 2, LNKB, 0 },
            Package () { 0x0004FFFF, 3, LNKC, 0 },
            Package () { 0x0005FFFF, 0, LNKA, 0 },
            Package () { 0x0005FFFF, 1, LNKB, 0 },
            Package () { 0x0005FFFF, 2, LNKC, 0 },
            Package () { 0x0005FFFF, 3, LNKD, 0 },
            Package () { 0x0006FFFF, 0, LNKB, 0 },
            Package () { 0x0006FFFF, 1, LNKC, 0 },
            Package () { 0x0006FFFF, 2, LNKD, 0 },
            Package () { 0x0006FFFF, 3, LNKA, 0 },
            Package () { 0x0007FFFF, 0, LNKC, 0 },
            Package () { 0x0007FFFF, 1, LNKD, 0 },
            Package () { 0x0007FFFF, 2, LNKA, 0 },
            Package () { 0x0007FFFF, 3, LNKB, 0 },
            Package () { 0x0008FFFF, 0, LNKD, 0 },
            Package () { 0x0008FFFF, 1, LNKA, 0 },
            Package () { 0x0008FFFF, 2, LNKB, 0 },
            Package () { 0x0008FFFF, 3, LNKC, 0 },
            Package () { 0x0009FFFF, 0, LNKA, 0 },
            Package () { 0x0009FFFF, 1, LNKB, 0 },
            Package () { 0x0009FFFF, 2, LNKC, 0 },
            Package () { 0x0009FFFF, 3, LNKD, 0 },
            Package () { 0x000AFFFF, 0, LNKB, 0 },
            Package () { 0x000AFFFF, 1, LNKC, 0 },
            Package () { 0x000AFFFF, 2, LNKD, 0 },
            Package () { 0x000AFFFF, 3, LNKA, 0 },
            Package () { 0x000BFFFF, 0, LNKC, 0 },
            Package () { 0x000BFFFF, 1, LNKD, 0 },
            Package () { 0x000BFFFF, 2, LNKA, 0 },
            Package () { 0x000BFFFF, 3, LNKB, 0 },
            Package () { 0x000CFFFF, 0, LNKD, 0 },
            Package () { 0x000CFFFF, 1, LNKA, 0 },
            Package () { 0x000CFFFF, 2, LNKB, 0 },
            Package () { 0x000CFFFF, 3, LNKC, 0 },
            Package () { 0x000DFFFF, 0, LNKA, 0 },
            Package () { 0x000DFFFF, 1, LNKB, 0 },
            Package () { 0x000DFFFF, 2, LNKC, 0 },
            Package () { 0x000DFFFF, 3, LNKD, 0 },
            Package () { 0x000EFFFF, 0, LNKB, 0 },
            Package () { 0x000EFFFF, 1, LNKC, 0 },
            Package () { 0x000EFFFF, 2, LNKD, 0 },
            Package () { 0x000EFFFF, 3, LNKA, 0 },
            Package () { 0x000FFFFF, 0, LNKC, 0 },
            Package () { 0x000FFFFF, 1, LNKD, 0 },
            Package () { 0x000FFFFF, 2, LNKA, 0 },
            Package () { 0x000FFFFF, 3, LNKB, 0 },
            Package () { 0x0010FFFF, 0, LNKD, 0 },
            Package () { 0x0010FFFF, 1, LNKA, 0 },
            Package () { 0x0010FFFF, 2, LNKB, 0 },
            Package () { 0x0010FFFF, 3, LNKC, 0 },
            Package () { 0x0011FFFF, 0, LNKA, 0 },
            Package () { 0x0011FFFF, 1, LNKB, 0 },
            Package () { 0x0011FFFF, 2, LNKC, 0 },
            Package () { 0x0011FFFF, 3, LNKD, 0 },
            Package () { 0x0012FFFF, 0, LNKB, 0 },
            Package () { 0x0012FFFF, 1, LNKC, 0 },
            Package () { 0x0012FFFF, 2, LNKD, 0 },
            Package () { 0x0012FFFF, 3, LNKA, 0 },
            Package () { 0x0013FFFF, 0, LNKC, 0 },
            Package () { 0x0013FFFF, 1, LNKD, 0 },
            Package () { 0x0013FFFF, 2, LNKA, 0 },
            Package () { 0x0013FFFF, 3, LNKB, 0 },
            Package () { 0x0014FFFF, 0, LNKD, 0 },
            Package () { 0x0014FFFF, 1, LNKA, 0 },
            Package () { 0x0014FFFF, 2, LNKB, 0 },
            Package () { 0x0014FFFF, 3, LNKC, 0 },
            Package () { 0x0015FFFF, 0, LNKA, 0 },
            Package () { 0x0015FFFF, 1, LNKB, 0 },
            Package () { 0x0015FFFF, 2, LNKC, 0 },
            Package () { 0x0015FFFF, 3, LNKD, 0 },
            Package () { 0x0016FFFF, 0, LNKB, 0 },
            Package () { 0x0016FFFF, 1, LNKC, 0 },
            Package () { 0x0016FFFF, 2, LNKD, 0 },
            Package () { 0x0016FFFF, 3, LNKA, 0 },
            Package () { 0x0017FFFF, 0, LNKC, 0 },
            Package () { 0x0017FFFF, 1, LNKD, 0 },
            Package () { 0x0017FFFF, 2, LNKA, 0 },
            Package () { 0x0017FFFF, 3, LNKB, 0 },
            Package () { 0x0018FFFF, 0, LNKD, 0 },
            Package () { 0x0018FFFF, 1, LNKA, 0 },
            Package () { 0x0018FFFF, 2, LNKB, 0 },
            Package () { 0x0018FFFF, 3, LNKC, 0 },
            Package () { 0x0019FFFF, 0, LNKA, 0 },
            Package () { 0x0019FFFF, 1, LNKB, 0 },
            Package () { 0x0019FFFF, 2, LNKC, 0 },
            Package () { 0x0019FFFF, 3, LNKD, 0 },
            Package () { 0x001AFFFF, 0, LNKB, 0 },
            Package () { 0x001AFFFF, 1, LNKC, 0 },
            Package () { 0x001AFFFF, 2, LNKD, 0 },
            Package () { 0x001AFFFF, 3, LNKA, 0 },
            Package () { 0x001BFFFF, 0, LNKC, 0 },
            Package () { 0x001BFFFF, 1, LNKD, 0 },
            Package () { 0x001BFFFF, 2, LNKA, 0 },
            Package () { 0x001BFFFF, 3, LNKB, 0 },
            Package () { 0x001CFFFF, 0, LNKD, 0 },
            Package () { 0x001CFFFF, 1, LNKA, 0 },
            Package () { 0x001CFFFF, 2, LNKB, 0 },
            Package () { 0x001CFFFF, 3, LNKC, 0 },
            Package () { 0x001DFFFF, 0, LNKA, 0 },
            Package () { 0x001DFFFF, 1, LNKB, 0 },
            Package () { 0x001DFFFF, 2, LNKC, 0 },
            Package () { 0x001DFFFF, 3, LNKD, 0 },
            Package () { 0x001EFFFF, 0, LNKB, 0 },
            Package () { 0x001EFFFF, 1, LNKC, 0 },
            Package () { 0x001EFFFF, 2, LNKD, 0 },
            Package () { 0x001EFFFF, 3, LNKA, 0 },
            Package () { 0x001FFFFF, 0, LNKC, 0 },
            Package () { 0x001FFFFF, 1, LNKD, 0 },
            Package () { 0x001FFFFF, 2, LNKA, 0 },
            Package () { 0x001FFFFF, 3, LNKB, 0 }
            })
        }

        Device (PCI0.ISA)
        {
            Name (_ADR, 0x00010000)
            OperationRegion (PIRC, PCI_Config, 0x60, 0x04)
            Field (PIRC, ByteAcc, NoLock, Preserve)
            {
                PRQ0, 8,
                PRQ1, 8,
                PRQ2, 8,
                PRQ3, 8
            }

            Device (RTC)
            {
                Name (_HID, EisaId ("PNP0B00"))
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0070, 0x0070, 1, 8)
                    IRQNoFlags () { 8 }
                })
            }

            Device (KBD)
            {
                Name (_HID, EisaId ("PNP0303"))
                Method (_STA) { Return (PSTA (0x80)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0060, 0x0060, 1, 1)
                    IO (Decode16, 0x0064, 0x0064, 1, 1)
                    IRQNoFlags () { 1 }
                })
            }

            Device (MOU)
            {
                Name (_HID, EisaId ("PNP0F13"))
                Method (_STA) { Return (PSTA (0x80)) }
                Name (_CRS, ResourceTemplate () {
                    IRQNoFlags () { 12 }
                })
            }

            Device (FDC0)
            {
                Name (_HID, EisaId ("PNP0700"))
                Method (_STA) { Return (PSTA (0x20)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x03F2, 0x03F2, 0, 4)
                    IO (Decode16, 0x03F7, 0x03F7, 0, 1)
                    IRQNoFlags () { 6 }
                    DMA (Compatibility, NotBusMaster, Transfer8) { 2 }
                })
            }

            Device (LPT1)
            {
                Name (_HID, EisaId ("PNP0400"))
                Name (_UID, 1)
                Method (_STA) { Return (PSTA (0x10)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0378, 0x0378, 8, 8)
                    IRQNoFlags () { 7 }
                })
            }

            Device (COM1)
            {
                Name (_HID, EisaId ("PNP0501"))
                Name (_UID, 1)
                Method (_STA) { Return (PSTA (0x01)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x3F8, 0x3F8, 8, 8)
                    IRQNoFlags () { 4 }
                })
            }

            Device (COM2)
            {
                Name (_HID, EisaId ("PNP0501"))
                Name (_UID, 2)
                Method (_STA) { Return (PSTA (0x02)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x2F8, 0x2F8, 8, 8)
                    IRQNoFlags () { 3 }
                })
            }

            Device (COM3)
            {
                Name (_HID, EisaId ("PNP0501"))
                Name (_UID, 3)
                Method (_STA) { Return (PSTA (0x04)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x3E8, 0x3E8, 8, 8)
                    IRQNoFlags () { 4 }
                })
            }

            Device (COM4)
            {
                Name (_HID, EisaId ("PNP0501"))
                Name (_UID, 4)
                Method (_STA) { Return (PSTA (0x08)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x2E8, 0x2E8, 8, 8)
                    IRQNoFlags () { 3 }
                })
            }
        }

        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, 0)
            Method (_STA) { Return (PSTA (0x40)) }
            Name (_CRS, ResourceTemplate () {
                Memory32Fixed (ReadOnly, 0xFED00000, 0x00000400)
            })
        }

        /* Ports of the chipset that no driver may be given. */
        Device (CHIP)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_CRS, ResourceTemplate () {
                IO (Decode16, 0xAFE0, 0xAFE0, 1, 4)
                IO (Decode16, 0x00B2, 0x00B2, 1, 2)
                IO (Decode16, 0x0092, 0x0092, 1, 1)
            })
        }

        /* A link is disabled while bit 7 of its PIRQRCx register is set. */
        Method (LSTA, 1)
        {
            If (And (Arg0, 0x80)) { Return (0x09) }
            Return (0x0B)
        }
        Name (LBUF, ResourceTemplate () {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 }
        })
        Method (LCRS, 1, Serialized)
        {
            CreateDWordField (LBUF, 5, LINE)
            Store (0, LINE)
            If (LNot (And (Arg0, 0x80))) { Store (Arg0, LINE) }
            Return (LBUF)
        }

        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Name (_PRS, ResourceTemplate () {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQ0)) }
            Method (_DIS) { Or (\_SB.PCI0.ISA.PRQ0, 0x80, \_SB.PCI0.ISA.PRQ0) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQ0)) }
            Method (_SRS, 1) {
                CreateDWordField (Arg0, 5, LINE)
                Store (LINE, \_SB.PCI0.ISA.PRQ0)
            }
        }

        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Name (_PRS, ResourceTemplate () {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQ1)) }
            Method (_DIS) { Or (\_SB.PCI0.ISA.PRQ1, 0x80, \_SB.PCI0.ISA.PRQ1) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQ1)) }
            Method (_SRS, 1) {
                CreateDWordField (Arg0, 5, LINE)
                Store (LINE, \_SB.PCI0.ISA.PRQ1)
            }
        }

        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Name (_PRS, ResourceTemplate () {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQ2)) }
            Method (_DIS) { Or (\_SB.PCI0.ISA.PRQ2, 0x80, \_SB.PCI0.ISA.PRQ2) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQ2)) }
            Method (_SRS, 1) {
                CreateDWordField (Arg0, 5, LINE)
                Store (LINE, \_SB.PCI0.ISA.PRQ2)
            }
        }

        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Name (_PRS, ResourceTemplate () {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQ3)) }
            Method (_DIS) { Or (\_SB.PCI0.ISA.PRQ3, 0x80, \_SB.PCI0.ISA.PRQ3) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQ3)) }
            Method (_SRS, 1) {
                CreateDWordField (Arg0, 5, LINE)
                Store (LINE, \_SB.PCI0.ISA.PRQ3)
            }
        }

        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 5)
            Name (_PRS, ResourceTemplate () {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
            })
            Method (_STA) { Return (0x0B) }
            Method (_DIS) {}
            Method (_CRS) { Return (_PRS) }
            Method (_SRS, 1) {}
        }
    }
}
