/*
 * uart16550.c: 16550A UART.
 *
 * Models: National Semiconductor PC16550D data sheet (June 1995): both FIFOs with trigger levels,
 * the character time-out interrupt, the latched THRE interrupt, line status that travels with its
 * character, loopback, break, modem status with deltas, scratch register; OUT2 gates the interrupt,
 * as on the PC/AT's serial adapter.
 *
 * Transmission takes no time: THR is empty again when the write returns, unless the host lags
 * behind, and the interrupts come in the order of the real chip. Framing and parity errors do not
 * occur. Characters go to the host with all 8 bits whatever LCR's word length says, because guests
 * print before they program it; loopback obeys it. The other end asserts CTS, DSR and DCD. RXRDY
 * and TXRDY pins (FCR's DMA mode) are not modelled.
 */
#include "devices/serial/uart16550.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/base/mem.h"

enum { FIFO_SIZE = 16, CLOCK_HZ = 1843200 };

enum { IER_ERBFI = 0x01, IER_ETBEI = 0x02, IER_ELSI = 0x04, IER_EDSSI = 0x08 };
enum {
    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_THRE = 0x02,
    IIR_DATA = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFOS = 0xc0
};
enum { FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04, FCR_TRIGGER = 0xc0 };
enum { LCR_WLS = 0x03, LCR_STB = 0x04, LCR_PEN = 0x08, LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum {
    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08,
    MCR_LOOP = 0x10,
    MCR_MASK = 0x1f
};
enum {
    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_PE = 0x04,
    LSR_FE = 0x08,
    LSR_BI = 0x10,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,
    LSR_ERRORS = LSR_OE | LSR_PE | LSR_FE | LSR_BI
};
enum {
    MSR_DCTS = 0x01,
    MSR_DDSR = 0x02,
    MSR_TERI = 0x04,
    MSR_DDCD = 0x08,
    MSR_DELTAS = 0x0f,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80
};

struct uart16550 {
    struct device dev;
    struct region region;
    struct mapping mapping;
    struct irq *irq;
    struct timer timeout; /* four character times without a move of the receive FIFO */
    struct chardev *chardev;

    u8 IER, FCR, LCR, MCR, MSR, SCR, DLL, DLM;
    u8 line_errors;    /* LSR's OE, PE, FE, BI */
    bool thre_pending; /* the THRE interrupt is latched */
    bool timed_out;    /* the character time-out is pending */
    u8 rx[FIFO_SIZE], rx_status[FIFO_SIZE], rx_first, rx_count;
    u8 tx[FIFO_SIZE], tx_first, tx_count; /* what the host did not take yet */

    /* derived: not saved */
    bool pumping;
};

static const struct field uart_fields[] = {FIELD(struct uart16550, IER),
                                           FIELD(struct uart16550, FCR),
                                           FIELD(struct uart16550, LCR),
                                           FIELD(struct uart16550, MCR),
                                           FIELD(struct uart16550, MSR),
                                           FIELD(struct uart16550, SCR),
                                           FIELD(struct uart16550, DLL),
                                           FIELD(struct uart16550, DLM),
                                           FIELD(struct uart16550, line_errors),
                                           FIELD(struct uart16550, thre_pending),
                                           FIELD(struct uart16550, timed_out),
                                           FIELD_ARRAY(struct uart16550, rx),
                                           FIELD_ARRAY(struct uart16550, rx_status),
                                           FIELD(struct uart16550, rx_first),
                                           FIELD(struct uart16550, rx_count),
                                           FIELD_ARRAY(struct uart16550, tx),
                                           FIELD(struct uart16550, tx_first),
                                           FIELD(struct uart16550, tx_count),
                                           FIELD_TIMER(struct uart16550, timeout),
                                           FIELD_END};

static bool fifos_on(const struct uart16550 *u)
{
    return u->FCR & FCR_ENABLE;
}

static unsigned rx_capacity(const struct uart16550 *u)
{
    return fifos_on(u) ? FIFO_SIZE : 1;
}

static unsigned rx_trigger(const struct uart16550 *u)
{
    static const u8 levels[4] = {1, 4, 8, 14};
    return fifos_on(u) ? levels[u->FCR >> 6] : 1;
}

/* ---- interrupts: PC16550D data sheet, table IV ---- */

static u8 interrupt_source(const struct uart16550 *u)
{
    if ((u->IER & IER_ELSI) && u->line_errors) {
        return IIR_LINE;
    }
    if ((u->IER & IER_ERBFI) && u->rx_count >= rx_trigger(u)) {
        return IIR_DATA;
    }
    if ((u->IER & IER_ERBFI) && u->timed_out) {
        return IIR_TIMEOUT;
    }
    if ((u->IER & IER_ETBEI) && u->thre_pending) {
        return IIR_THRE;
    }
    if ((u->IER & IER_EDSSI) && (u->MSR & MSR_DELTAS)) {
        return IIR_MODEM;
    }
    return IIR_NONE;
}

/* OUT2 gates the wire; in loopback the pin OUT2 is inactive. */
static void update_irq(struct uart16550 *u)
{
    bool gate = (u->MCR & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
    irq_set(u->irq, gate && interrupt_source(u) != IIR_NONE);
}

/* ---- receiver ---- */

static i64 character_ns(const struct uart16550 *u)
{
    unsigned divisor = u->DLL | u->DLM << 8;
    unsigned half_bits = 2 * (1 + 5 + (u->LCR & LCR_WLS) + !!(u->LCR & LCR_PEN) + 1);
    if (u->LCR & LCR_STB) {
        half_bits += u->LCR & LCR_WLS ? 2 : 1; /* two stop bits; one and a half with 5 data bits */
    }
    return (i64)muldiv64((u64)half_bits * (divisor ? divisor : 1) * 8, NS_PER_SECOND, CLOCK_HZ);
}

/* Any move of the FIFO starts the four character times again; an empty one has no time-out. */
static void restart_timeout(struct uart16550 *u)
{
    u->timed_out = false;
    if (fifos_on(u) && u->rx_count) {
        timer_set(&u->timeout, clock_now(u->timeout.clock) + 4 * character_ns(u));
    } else {
        timer_cancel(&u->timeout);
    }
}

static void timeout_fired(void *opaque)
{
    struct uart16550 *u = opaque;
    u->timed_out = u->rx_count != 0;
    update_irq(u);
}

/* Errors show in LSR when their character reaches the top of the FIFO. */
static void show_top_errors(struct uart16550 *u)
{
    if (u->rx_count) {
        u->line_errors |= u->rx_status[u->rx_first];
        u->rx_status[u->rx_first] = 0;
    }
}

static void receive(struct uart16550 *u, u8 data, u8 status)
{
    if (u->rx_count == rx_capacity(u)) {
        u->line_errors |= LSR_OE;
        if (!fifos_on(u)) {
            u->rx[u->rx_first] = data; /* the holding register is overwritten, a full FIFO is not */
        }
        update_irq(u);
        return;
    }
    unsigned at = (u->rx_first + u->rx_count) % FIFO_SIZE;
    u->rx[at] = data;
    u->rx_status[at] = status;
    u->rx_count++;
    show_top_errors(u);
    restart_timeout(u);
    update_irq(u);
}

static u8 read_data(struct uart16550 *u)
{
    u8 data = u->rx[u->rx_first];
    if (u->rx_count) {
        u->rx_first = (u->rx_first + 1) % FIFO_SIZE;
        u->rx_count--;
        show_top_errors(u);
    }
    restart_timeout(u);
    update_irq(u);
    if (!(u->MCR & MCR_LOOP)) {
        chardev_accept(u->chardev);
    }
    return data;
}

static void clear_rx(struct uart16550 *u)
{
    u->rx_first = 0;
    u->rx_count = 0;
    memset(u->rx, 0, sizeof u->rx);
    memset(u->rx_status, 0, sizeof u->rx_status);
    restart_timeout(u);
}

static size_t front_can_take(void *opaque)
{
    struct uart16550 *u = opaque;
    if (u->MCR & MCR_LOOP) {
        return 0; /* the receiver's input is cut off: let it wait at the host */
    }
    return rx_capacity(u) - u->rx_count;
}

static void front_input(void *opaque, const u8 *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        receive(opaque, data[i], 0);
    }
}

static void front_event(void *opaque, enum char_event event)
{
    struct uart16550 *u = opaque;
    if (event == CHAR_BREAK && !(u->MCR & MCR_LOOP)) {
        receive(u, 0, LSR_BI | LSR_FE); /* no stop bit was seen either */
    }
}

/* ---- transmitter ---- */

static void send(struct uart16550 *u, u8 data)
{
    if (u->MCR & MCR_LOOP) {
        u8 word_mask = (u8)(0xff >> (3 - (u->LCR & LCR_WLS)));
        receive(u, data & word_mask, 0);
    } else {
        chardev_write(u->chardev, &data, 1);
    }
}

/* Sends what waits, as far as the host takes it; an emptied THR latches its interrupt. */
static void pump(struct uart16550 *u)
{
    if (u->pumping || !u->tx_count) {
        return;
    }
    u->pumping = true;
    while (u->tx_count && ((u->MCR & MCR_LOOP) || chardev_writable(u->chardev))) {
        u8 data = u->tx[u->tx_first];
        u->tx_first = (u->tx_first + 1) % FIFO_SIZE;
        u->tx_count--;
        send(u, data);
    }
    u->pumping = false;
    if (!u->tx_count) {
        u->tx_first = 0;
        u->thre_pending = true;
        update_irq(u);
    }
}

static void front_writable(void *opaque)
{
    pump(opaque);
}

static void write_data(struct uart16550 *u, u8 data)
{
    unsigned capacity = fifos_on(u) ? FIFO_SIZE : 1;
    u->thre_pending = false;
    update_irq(u);
    if (u->tx_count >= capacity) {
        log_at(LOG_GUEST_ERROR, "uart16550: write to a full transmitter");
        u->tx[(u->tx_first + u->tx_count - 1u) % FIFO_SIZE] = data;
        return;
    }
    u->tx[(u->tx_first + u->tx_count) % FIFO_SIZE] = data;
    u->tx_count++;
    pump(u);
}

/* ---- modem lines ---- */

static u8 modem_inputs(const struct uart16550 *u)
{
    if (!(u->MCR & MCR_LOOP)) {
        return u->chardev ? MSR_CTS | MSR_DSR | MSR_DCD : 0;
    }
    return (u8)((u->MCR & MCR_RTS ? MSR_CTS : 0) | (u->MCR & MCR_DTR ? MSR_DSR : 0) |
                (u->MCR & MCR_OUT1 ? MSR_RI : 0) | (u->MCR & MCR_OUT2 ? MSR_DCD : 0));
}

static void update_modem(struct uart16550 *u)
{
    u8 now = modem_inputs(u), changed = now ^ u->MSR;
    u8 deltas = u->MSR & MSR_DELTAS;
    deltas |= changed & MSR_CTS ? MSR_DCTS : 0;
    deltas |= changed & MSR_DSR ? MSR_DDSR : 0;
    deltas |= changed & u->MSR & MSR_RI ? MSR_TERI : 0; /* the trailing edge only */
    deltas |= changed & MSR_DCD ? MSR_DDCD : 0;
    u->MSR = now | deltas;
}

/* ---- registers ---- */

static u8 read_IIR(struct uart16550 *u)
{
    u8 source = interrupt_source(u);
    if (source == IIR_THRE) {
        u->thre_pending = false; /* reading it as the source acknowledges it */
        update_irq(u);
    }
    return source | (fifos_on(u) ? IIR_FIFOS : 0);
}

static bool error_in_fifo(const struct uart16550 *u)
{
    for (unsigned i = 0; i < u->rx_count; i++) {
        if (u->rx_status[(u->rx_first + i) % FIFO_SIZE]) {
            return true;
        }
    }
    return false;
}

static u8 read_LSR(struct uart16550 *u)
{
    u8 LSR = u->line_errors | (u->rx_count ? LSR_DR : 0) | (u->tx_count ? 0 : LSR_THRE | LSR_TEMT);
    u8 framing = u->line_errors & (LSR_PE | LSR_FE | LSR_BI);
    if (fifos_on(u) && (framing || error_in_fifo(u))) {
        LSR |= LSR_FIFO_ERROR;
    }
    u->line_errors = 0;
    update_irq(u);
    return LSR;
}

static u8 read_MSR(struct uart16550 *u)
{
    u8 MSR = u->MSR;
    u->MSR &= (u8)~MSR_DELTAS;
    update_irq(u);
    return MSR;
}

static void write_IER(struct uart16550 *u, u8 value)
{
    bool enabled = value & ~u->IER & IER_ETBEI;
    u->IER = value & 0x0f;
    if (enabled && !u->tx_count) {
        u->thre_pending = true; /* enabling it while THR is empty raises it at once */
    }
    update_irq(u);
}

static void write_FCR(struct uart16550 *u, u8 value)
{
    bool switched = (value ^ u->FCR) & FCR_ENABLE;
    if (switched || (value & FCR_CLEAR_RX && value & FCR_ENABLE)) {
        u->FCR = value & FCR_ENABLE; /* the time-out must see the new mode */
        clear_rx(u);
    }
    if ((switched || (value & FCR_CLEAR_TX && value & FCR_ENABLE)) && u->tx_count) {
        u->tx_count = 0;
        u->tx_first = 0;
        u->thre_pending = true;
    }
    /* the other bits are only programmed while bit 0 is written as one */
    u->FCR = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
    update_irq(u);
    chardev_accept(u->chardev);
}

static void write_LCR(struct uart16550 *u, u8 value)
{
    bool begins = value & ~u->LCR & LCR_BREAK;
    u->LCR = value;
    if (begins && (u->MCR & MCR_LOOP)) {
        receive(u, 0, LSR_BI | LSR_FE);
    }
}

static void write_MCR(struct uart16550 *u, u8 value)
{
    bool left_loop = u->MCR & ~value & MCR_LOOP;
    u->MCR = value & MCR_MASK;
    update_modem(u);
    update_irq(u);
    if (left_loop) {
        pump(u);
        chardev_accept(u->chardev);
    }
}

static u64 uart_read(void *opaque, u64 offset, unsigned size)
{
    struct uart16550 *u = opaque;
    bool dlab = u->LCR & LCR_DLAB;
    (void)size;
    switch (offset) {
    case 0:
        return dlab ? u->DLL : read_data(u);
    case 1:
        return dlab ? u->DLM : u->IER;
    case 2:
        return read_IIR(u);
    case 3:
        return u->LCR;
    case 4:
        return u->MCR;
    case 5:
        return read_LSR(u);
    case 6:
        return read_MSR(u);
    default:
        return u->SCR;
    }
}

static void uart_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct uart16550 *u = opaque;
    bool dlab = u->LCR & LCR_DLAB;
    u8 v = (u8)value;
    (void)size;
    switch (offset) {
    case 0:
        if (dlab) {
            u->DLL = v;
        } else {
            write_data(u, v);
        }
        break;
    case 1:
        if (dlab) {
            u->DLM = v;
        } else {
            write_IER(u, v);
        }
        break;
    case 2:
        write_FCR(u, v);
        break;
    case 3:
        write_LCR(u, v);
        break;
    case 4:
        write_MCR(u, v);
        break;
    case 7:
        u->SCR = v;
        break;
    default:
        break; /* LSR and MSR are for factory tests only; the data sheet says not to write them */
    }
}

static const struct region_ops uart_ops = {
    .read = uart_read, .write = uart_write, .min_size = 1, .max_size = 1};

/* ---- the device ---- */

static struct uart16550 *uart_of(struct device *dev)
{
    return container_of(dev, struct uart16550, dev);
}

static void uart_reset(struct device *dev)
{
    struct uart16550 *u = uart_of(dev);
    u->IER = u->FCR = u->LCR = u->MCR = u->SCR = 0;
    u->DLL = 12; /* the chip leaves it undefined: 9600 baud, as firmware does */
    u->DLM = 0;
    u->line_errors = 0;
    u->thre_pending = false;
    memset(u->tx, 0, sizeof u->tx);
    u->tx_first = 0;
    u->tx_count = 0;
    clear_rx(u);
    u->MSR = modem_inputs(u);
    update_irq(u);
    chardev_accept(u->chardev);
}

static void uart_loaded(struct device *dev)
{
    struct uart16550 *u = uart_of(dev);
    u->rx_first %= FIFO_SIZE;
    u->tx_first %= FIFO_SIZE;
    u->rx_count = u->rx_count <= rx_capacity(u) ? u->rx_count : 0;
    u->tx_count = u->tx_count <= FIFO_SIZE ? u->tx_count : 0;
    u->MCR &= MCR_MASK;
    update_irq(u);
    pump(u);
    chardev_accept(u->chardev);
}

static void uart_destroy(struct device *dev)
{
    struct uart16550 *u = uart_of(dev);
    chardev_attach(u->chardev, NULL);
    space_unmap(&u->mapping);
    timer_cancel(&u->timeout);
    free(u);
}

static const struct device_class uart_class = {.name = "isa-serial",
                                               .version = 1,
                                               .reset = uart_reset,
                                               .destroy = uart_destroy,
                                               .loaded = uart_loaded,
                                               .fields = uart_fields};

struct device *uart16550_create(struct space *ports, u16 base, struct clock *clock, struct irq *irq,
                                struct chardev *chardev)
{
    struct uart16550 *u = mem_zeroed(1, sizeof *u);
    u->dev.class = &uart_class;
    u->irq = irq;
    u->chardev = chardev;
    timer_init(&u->timeout, clock, timeout_fired, u);
    region_init_io(&u->region, "serial", 8, &uart_ops, u);
    space_map(ports, &u->mapping, &u->region, base, 0);
    uart_reset(&u->dev);
    chardev_attach(chardev, &(struct char_front){.can_take = front_can_take,
                                                 .input = front_input,
                                                 .event = front_event,
                                                 .writable = front_writable,
                                                 .opaque = u});
    return &u->dev;
}
