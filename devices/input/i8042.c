/*
 * i8042.c: see i8042.h.
 */
#include "devices/input/i8042.h"

#include "cpu/base/mem.h"

/* Technical Reference, "Status Register". */
enum {
    STATUS_OBF = 0x01,
    STATUS_SYS = 0x04,
    STATUS_COMMAND = 0x08, /* the last write was to port 64h */
    STATUS_UNLOCKED = 0x10,
    STATUS_AUX = 0x20, /* the output buffer holds a byte of the auxiliary device */
};

/* "Controller Command Byte". */
enum {
    CCB_KBD_IRQ = 0x01,
    CCB_AUX_IRQ = 0x02,
    CCB_SYS = 0x04,
    CCB_KBD_DISABLED = 0x10,
    CCB_AUX_DISABLED = 0x20,
    CCB_TRANSLATE = 0x40,
};

/* "Output Port". */
enum {
    OUT_NOT_RESET = 0x01,
    OUT_A20 = 0x02,
    OUT_KBD_FULL = 0x10,
    OUT_AUX_FULL = 0x20,
    OUT_IDLE_LINES = 0xcc, /* clock and data of both devices, undriven */
};

enum {
    CMD_READ_RAM = 0x20,  /* to 3Fh */
    CMD_WRITE_RAM = 0x60, /* to 7Fh */
    CMD_TEST_PASSWORD = 0xa4,
    CMD_LOAD_PASSWORD = 0xa5,
    CMD_ENABLE_PASSWORD = 0xa6,
    CMD_DISABLE_AUX = 0xa7,
    CMD_ENABLE_AUX = 0xa8,
    CMD_TEST_AUX = 0xa9,
    CMD_SELF_TEST = 0xaa,
    CMD_TEST_KBD = 0xab,
    CMD_DISABLE_KBD = 0xad,
    CMD_ENABLE_KBD = 0xae,
    CMD_READ_INPUT_PORT = 0xc0,
    CMD_READ_OUTPUT_PORT = 0xd0,
    CMD_WRITE_OUTPUT_PORT = 0xd1,
    CMD_WRITE_KBD_BUFFER = 0xd2,
    CMD_WRITE_AUX_BUFFER = 0xd3,
    CMD_WRITE_AUX = 0xd4,
    CMD_CLOSE_A20 = 0xdd,
    CMD_OPEN_A20 = 0xdf,
    CMD_READ_TEST_INPUTS = 0xe0,
    CMD_PULSE = 0xf0, /* to FFh: the low bits that are 0 go low for 6 us */
};

/* From the byte being read until the next one is in the output buffer. */
enum { BYTE_TIME_NS = 300000 };

/* Who filled the output buffer. */
enum source { FROM_CONTROLLER, FROM_KEYBOARD, FROM_AUX };

struct i8042 {
    struct device dev;
    u8 ram[32]; /* [0] is the command byte */
    u8 status, out_port;
    u8 command;                  /* whose argument port 60h awaits, or 0 */
    u8 buffer;                   /* port 60h, read */
    bool break_prefix;           /* translation: F0h was taken in */
    bool reply_ready, reply_aux; /* what the controller itself will put into the buffer */
    u8 reply;
    struct timer next; /* the line is busy until then */

    /* derived or host-side: not saved */
    struct clock *clock;
    struct ps2_port *keyboard, *mouse;
    struct region ports;
    struct mapping data_port, command_port;
    struct irq *irq1, *irq12, *a20, *reset;
};

/*
 * Scancode set 2 to set 1, "Keyboard Scan Code Translation": codes from 80h on pass unchanged,
 * except 83h (F7) and 84h (SysRq).
 */
static const u8 translation[0x80] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

static u8 translated(u8 code)
{
    if (code < ARRAY_LEN(translation)) {
        return translation[code];
    }
    return code == 0x83 ? 0x41 : code == 0x84 ? 0x54 : code;
}

static u8 *ccb(struct i8042 *kbc)
{
    return &kbc->ram[0];
}

static void drive_irqs(struct i8042 *kbc)
{
    bool full = kbc->status & STATUS_OBF, aux = kbc->status & STATUS_AUX;
    irq_set(kbc->irq1, full && !aux && (*ccb(kbc) & CCB_KBD_IRQ));
    irq_set(kbc->irq12, full && aux && (*ccb(kbc) & CCB_AUX_IRQ));
}

static void fill(struct i8042 *kbc, u8 value, bool aux)
{
    kbc->buffer = value;
    kbc->status = (u8)((kbc->status & ~STATUS_AUX) | STATUS_OBF | (aux ? STATUS_AUX : 0));
    drive_irqs(kbc);
}

/* The next byte of the keyboard after translation; F0h becomes bit 7 of the byte behind it. */
static bool take_from_keyboard(struct i8042 *kbc, u8 *value)
{
    while (!(*ccb(kbc) & CCB_KBD_DISABLED) && kbc->keyboard->send(kbc->keyboard, value)) {
        if (!(*ccb(kbc) & CCB_TRANSLATE)) {
            return true;
        }
        if (*value != 0xf0) {
            *value = (u8)(translated(*value) | (kbc->break_prefix ? 0x80 : 0));
            kbc->break_prefix = false;
            return true;
        }
        kbc->break_prefix = true;
    }
    return false;
}

/* Fills the output buffer when it is empty: the controller's own reply first and at once. */
static void advance(struct i8042 *kbc)
{
    u8 value;
    if (kbc->status & STATUS_OBF) {
        return;
    }
    if (kbc->reply_ready) {
        kbc->reply_ready = false;
        fill(kbc, kbc->reply, kbc->reply_aux);
    } else if (timer_armed(&kbc->next)) {
        return;
    } else if (take_from_keyboard(kbc, &value)) {
        fill(kbc, value, false);
    } else if (!(*ccb(kbc) & CCB_AUX_DISABLED) && kbc->mouse->send(kbc->mouse, &value)) {
        fill(kbc, value, true);
    }
}

static void device_ready(void *opaque)
{
    advance(opaque);
}

static void line_free(void *opaque)
{
    advance(opaque);
}

static void reply(struct i8042 *kbc, u8 value, bool aux)
{
    kbc->reply = value;
    kbc->reply_aux = aux;
    kbc->reply_ready = true;
    advance(kbc);
}

/* ---- ports ---- */

static u8 read_data(struct i8042 *kbc)
{
    if (kbc->status & STATUS_OBF) {
        kbc->status &= (u8) ~(STATUS_OBF | STATUS_AUX);
        drive_irqs(kbc);
        timer_set(&kbc->next, clock_now(kbc->clock) + BYTE_TIME_NS);
        advance(kbc);
    }
    return kbc->buffer;
}

static void write_out_port(struct i8042 *kbc, u8 value)
{
    bool was_running = kbc->out_port & OUT_NOT_RESET;
    kbc->out_port = value & (OUT_NOT_RESET | OUT_A20);
    irq_set(kbc->a20, value & OUT_A20);
    if (was_running && !(value & OUT_NOT_RESET)) {
        irq_pulse(kbc->reset);
    }
}

static u8 read_out_port(const struct i8042 *kbc)
{
    u8 full = 0;
    if (kbc->status & STATUS_OBF) {
        full = kbc->status & STATUS_AUX ? OUT_AUX_FULL : OUT_KBD_FULL;
    }
    return kbc->out_port | OUT_IDLE_LINES | full;
}

static void write_ram(struct i8042 *kbc, unsigned index, u8 value)
{
    kbc->ram[index] = value;
    if (index == 0) {
        kbc->status = (u8)((kbc->status & ~STATUS_SYS) | (value & CCB_SYS ? STATUS_SYS : 0));
        drive_irqs(kbc);
        advance(kbc);
    }
}

static void set_ccb(struct i8042 *kbc, u8 clear, u8 set)
{
    write_ram(kbc, 0, (u8)((*ccb(kbc) & ~clear) | set));
}

static void self_test(struct i8042 *kbc)
{
    kbc->break_prefix = false;
    set_ccb(kbc, 0, CCB_SYS);
    reply(kbc, 0x55, false);
}

static void pulse(struct i8042 *kbc, u8 lines)
{
    if (!(lines & OUT_NOT_RESET)) {
        irq_pulse(kbc->reset);
    }
}

static void write_command(struct i8042 *kbc, u8 value)
{
    kbc->status |= STATUS_COMMAND;
    kbc->command = 0;
    if (value >= CMD_READ_RAM && value < CMD_READ_RAM + 32) {
        reply(kbc, kbc->ram[value & 31], false);
        return;
    }
    if (value >= CMD_WRITE_RAM && value < CMD_WRITE_RAM + 32) {
        kbc->command = value;
        return;
    }
    if (value >= CMD_PULSE) {
        pulse(kbc, value);
        return;
    }
    switch (value) {
    case CMD_TEST_PASSWORD:
        reply(kbc, 0xf1, false); /* none is installed */
        break;
    case CMD_LOAD_PASSWORD:
    case CMD_ENABLE_PASSWORD:
        break;
    case CMD_DISABLE_AUX:
        set_ccb(kbc, 0, CCB_AUX_DISABLED);
        break;
    case CMD_ENABLE_AUX:
        set_ccb(kbc, CCB_AUX_DISABLED, 0);
        break;
    case CMD_TEST_AUX:
    case CMD_TEST_KBD:
        reply(kbc, 0, false); /* no error */
        break;
    case CMD_SELF_TEST:
        self_test(kbc);
        break;
    case CMD_DISABLE_KBD:
        set_ccb(kbc, 0, CCB_KBD_DISABLED);
        break;
    case CMD_ENABLE_KBD:
        set_ccb(kbc, CCB_KBD_DISABLED, 0);
        break;
    case CMD_READ_INPUT_PORT:
        reply(kbc, 0x80, false); /* the keyboard is not locked */
        break;
    case CMD_READ_OUTPUT_PORT:
        reply(kbc, read_out_port(kbc), false);
        break;
    case CMD_WRITE_OUTPUT_PORT:
    case CMD_WRITE_KBD_BUFFER:
    case CMD_WRITE_AUX_BUFFER:
    case CMD_WRITE_AUX:
        kbc->command = value;
        break;
    case CMD_CLOSE_A20:
        write_out_port(kbc, kbc->out_port & ~OUT_A20);
        break;
    case CMD_OPEN_A20:
        write_out_port(kbc, kbc->out_port | OUT_A20);
        break;
    case CMD_READ_TEST_INPUTS:
        reply(kbc,
              (u8)((*ccb(kbc) & CCB_KBD_DISABLED ? 0 : 1) | (*ccb(kbc) & CCB_AUX_DISABLED ? 0 : 2)),
              false);
        break;
    default:
        log_at(LOG_GUEST_ERROR, "i8042: command %02x does not exist", value);
        break;
    }
}

/* A byte for a device enables its line again. */
static void send_to(struct i8042 *kbc, struct ps2_port *port, u8 disable_bit, u8 value)
{
    set_ccb(kbc, disable_bit, 0);
    port->receive(port, value);
}

static void write_data(struct i8042 *kbc, u8 value)
{
    u8 command = kbc->command;
    kbc->status &= (u8)~STATUS_COMMAND;
    kbc->command = 0;
    switch (command) {
    case 0:
        kbc->break_prefix = false;
        send_to(kbc, kbc->keyboard, CCB_KBD_DISABLED, value);
        break;
    case CMD_WRITE_OUTPUT_PORT:
        write_out_port(kbc, value);
        break;
    case CMD_WRITE_KBD_BUFFER:
        reply(kbc, value, false);
        break;
    case CMD_WRITE_AUX_BUFFER:
        reply(kbc, value, true);
        break;
    case CMD_WRITE_AUX:
        send_to(kbc, kbc->mouse, CCB_AUX_DISABLED, value);
        break;
    default:
        write_ram(kbc, command & 31, value);
        break;
    }
}

/* Ports 60h and 64h are the first and the fifth byte of one region. */
static u64 kbc_read(void *opaque, u64 offset, unsigned size)
{
    struct i8042 *kbc = opaque;
    (void)size;
    return offset == 0 ? read_data(kbc) : kbc->status;
}

static void kbc_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    (void)size;
    if (offset == 0) {
        write_data(opaque, (u8)value);
    } else {
        write_command(opaque, (u8)value);
    }
}

static const struct region_ops kbc_ops = {
    .read = kbc_read, .write = kbc_write, .min_size = 1, .max_size = 1};

/* ---- device ---- */

static void kbc_reset(struct device *dev)
{
    struct i8042 *kbc = container_of(dev, struct i8042, dev);
    for (unsigned i = 0; i < sizeof kbc->ram; i++) {
        kbc->ram[i] = 0;
    }
    *ccb(kbc) = CCB_KBD_IRQ | CCB_AUX_IRQ;
    kbc->status = STATUS_COMMAND | STATUS_UNLOCKED;
    kbc->out_port = OUT_NOT_RESET | OUT_A20;
    kbc->command = kbc->buffer = kbc->reply = 0;
    kbc->break_prefix = kbc->reply_ready = kbc->reply_aux = false;
    timer_cancel(&kbc->next);
    drive_irqs(kbc);
}

static void kbc_destroy(struct device *dev)
{
    struct i8042 *kbc = container_of(dev, struct i8042, dev);
    timer_cancel(&kbc->next);
    space_unmap(&kbc->data_port);
    space_unmap(&kbc->command_port);
    region_destroy(&kbc->ports);
    free(kbc);
}

static void kbc_loaded(struct device *dev)
{
    struct i8042 *kbc = container_of(dev, struct i8042, dev);
    drive_irqs(kbc);
}

static const struct field kbc_fields[] = {
    FIELD_ARRAY(struct i8042, ram),
    FIELD(struct i8042, status),
    FIELD(struct i8042, out_port),
    FIELD(struct i8042, command),
    FIELD(struct i8042, buffer),
    FIELD(struct i8042, break_prefix),
    FIELD(struct i8042, reply_ready),
    FIELD(struct i8042, reply_aux),
    FIELD(struct i8042, reply),
    FIELD_TIMER(struct i8042, next),
    FIELD_END,
};

static const struct device_class kbc_class = {
    .name = "i8042",
    .version = 1,
    .reset = kbc_reset,
    .destroy = kbc_destroy,
    .loaded = kbc_loaded,
    .fields = kbc_fields,
};

static void connect(struct i8042 *kbc, struct ps2_port *port)
{
    port->ready = device_ready;
    port->opaque = kbc;
}

struct device *i8042_create(struct space *ports, struct clock *clock, struct ps2_port *keyboard,
                            struct ps2_port *mouse, struct irq *irq1, struct irq *irq12,
                            struct irq *a20, struct irq *reset)
{
    struct i8042 *kbc = mem_zeroed(1, sizeof *kbc);
    kbc->dev.class = &kbc_class;
    kbc->clock = clock;
    kbc->keyboard = keyboard;
    kbc->mouse = mouse;
    kbc->irq1 = irq1;
    kbc->irq12 = irq12;
    kbc->a20 = a20;
    kbc->reset = reset;
    connect(kbc, keyboard);
    connect(kbc, mouse);
    timer_init(&kbc->next, clock, line_free, kbc);
    region_init_io(&kbc->ports, "i8042", 5, &kbc_ops, kbc);
    space_map_part(ports, &kbc->data_port, &kbc->ports, 0, 1, 0x60, 0, MAP_ALL);
    space_map_part(ports, &kbc->command_port, &kbc->ports, 4, 1, 0x64, 0, MAP_ALL);
    device_reset(&kbc->dev);
    return &kbc->dev;
}
