// SPDX-License-Identifier: 0BSD
/* A driver for networks behind a bus in portable C99: registers, and elements in and out of frames.
 *
 * It needs nothing of a system but two functions for 32-bit registers; how frames get to the streams (DMA, FIFO) is the
 * system's own. Sizes and digest of a network are in fpgaq_network.h.
 */
#ifndef FPGAQ_H
#define FPGAQ_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    void *context;                                                       /* handed to both functions */
    uint32_t (*read)(void *context, uint32_t offset);                    /* offset in bytes */
    void (*write)(void *context, uint32_t offset, uint32_t value);
} fpgaq_device;

typedef struct {
    uint32_t digest[8];     /* SHA-256 of the integer network */
    uint32_t input_bytes;   /* of a frame */
    uint32_t output_bytes;
} fpgaq_network;

typedef struct {
    uint32_t frames_in;
    uint32_t frames_out;
    uint32_t frames_damaged;
    uint32_t frame_cycles;  /* between the last beats of the last two output frames */
    uint32_t longest_stall; /* cycles in a row in which a beat of the output waited */
    uint32_t errors;        /* FPGAQ_ERRORS_* */
} fpgaq_counters;

typedef enum {
    FPGAQ_OK = 0,
    FPGAQ_NO_CORE,          /* the magic number is not there */
    FPGAQ_OTHER_VERSION,    /* the registers are of another major version */
    FPGAQ_OTHER_NETWORK,    /* digest or sizes are those of another network */
    FPGAQ_OUT_OF_RANGE,     /* an element does not fit its slot */
    FPGAQ_REFUSED,          /* the image of weights is damaged or of another core */
    FPGAQ_NOT_IDLE          /* frames are still on their way */
} fpgaq_status;

/* Whether the device is this network. */
fpgaq_status fpgaq_probe(const fpgaq_device *device, const fpgaq_network *network);

/* For cores whose weights are loaded: an image of `count` words, as `fpgaq image` writes it, low byte first in each.
 * Waits until the frames that have begun have left, looking `patience` times. FPGAQ_REFUSED: its CRC or its core is
 * another; no frame comes in before a right one is there. FPGAQ_NOT_IDLE: frames did not leave; the weights are the old
 * ones, but no frame comes in. */
fpgaq_status fpgaq_load(const fpgaq_device *device, const uint32_t *words, size_t count, unsigned long patience);

/* Forget all frames on their way. */
void fpgaq_reset(const fpgaq_device *device);

/* Set the counters to zero and clear the errors. */
void fpgaq_clear(const fpgaq_device *device);

/* What becomes of damaged frames where the core could drop them: 1 to have them marked by tuser, 0 to have them
 * dropped. */
void fpgaq_mark_damaged(const fpgaq_device *device, int mark);

/* 1 while frames are on their way. */
int fpgaq_busy(const fpgaq_device *device);

void fpgaq_read_counters(const fpgaq_device *device, fpgaq_counters *counters);

/* Put `count` elements into slots of `slot_bytes` bytes, low byte first. */
fpgaq_status fpgaq_pack(const int64_t *elements, size_t count, unsigned slot_bytes, int is_signed, uint8_t *bytes);

/* Take `count` elements out of slots of `slot_bytes` bytes. */
void fpgaq_unpack(const uint8_t *bytes, size_t count, unsigned slot_bytes, int is_signed, int64_t *elements);

/* The index of the greatest of `count` elements, the lowest on ties. */
size_t fpgaq_argmax(const int64_t *elements, size_t count);

#endif
