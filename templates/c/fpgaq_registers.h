// SPDX-License-Identifier: 0BSD
/* The registers of a wrapped core, printed from templates/registers/fpgaq_registers.rdl by `make registers`. */
#ifndef FPGAQ_REGISTERS_H
#define FPGAQ_REGISTERS_H

/* Tells the core from anything else: the letters FPGQ, the first in the low byte. */
#define FPGAQ_MAGIC 0x00u
#define FPGAQ_MAGIC_VALUE 0x51475046u

/* Version of this list of registers. A change that programs may notice raises `major`. */
#define FPGAQ_VERSION 0x04u
#define FPGAQ_VERSION_MINOR_SHIFT 0u
#define FPGAQ_VERSION_MINOR_MASK 0x0000ffffu
#define FPGAQ_VERSION_MAJOR_SHIFT 16u
#define FPGAQ_VERSION_MAJOR_MASK 0xffff0000u
#define FPGAQ_VERSION_MINOR 0x1u
#define FPGAQ_VERSION_MAJOR 0x1u

/* The width of the streams, and what the core was built with. */
#define FPGAQ_GEOMETRY 0x08u
#define FPGAQ_GEOMETRY_BUS_BYTES_SHIFT 0u
#define FPGAQ_GEOMETRY_BUS_BYTES_MASK 0x000000ffu
#define FPGAQ_GEOMETRY_BUFFERED_SHIFT 8u
#define FPGAQ_GEOMETRY_BUFFERED_MASK 0x00000100u
#define FPGAQ_GEOMETRY_LOADABLE_SHIFT 9u
#define FPGAQ_GEOMETRY_LOADABLE_MASK 0x00000200u

/* Bytes of an input frame. */
#define FPGAQ_INPUT_BYTES 0x0cu

/* Bytes of an output frame. */
#define FPGAQ_OUTPUT_BYTES 0x10u

/* What the host orders. */
#define FPGAQ_CONTROL 0x14u
#define FPGAQ_CONTROL_RESET_SHIFT 0u
#define FPGAQ_CONTROL_RESET_MASK 0x00000001u
#define FPGAQ_CONTROL_CLEAR_SHIFT 1u
#define FPGAQ_CONTROL_CLEAR_MASK 0x00000002u
#define FPGAQ_CONTROL_MARK_SHIFT 2u
#define FPGAQ_CONTROL_MARK_MASK 0x00000004u
#define FPGAQ_CONTROL_LOAD_SHIFT 3u
#define FPGAQ_CONTROL_LOAD_MASK 0x00000008u

/* What goes on. */
#define FPGAQ_STATUS 0x18u
#define FPGAQ_STATUS_BUSY_SHIFT 0u
#define FPGAQ_STATUS_BUSY_MASK 0x00000001u
#define FPGAQ_STATUS_INPUT_WAITS_SHIFT 1u
#define FPGAQ_STATUS_INPUT_WAITS_MASK 0x00000002u
#define FPGAQ_STATUS_OUTPUT_WAITS_SHIFT 2u
#define FPGAQ_STATUS_OUTPUT_WAITS_MASK 0x00000004u
#define FPGAQ_STATUS_IMAGE_WANTED_SHIFT 3u
#define FPGAQ_STATUS_IMAGE_WANTED_MASK 0x00000008u
#define FPGAQ_STATUS_LOADED_SHIFT 4u
#define FPGAQ_STATUS_LOADED_MASK 0x00000010u

/* What was wrong with frames since each bit was cleared last. Write 1 to a bit to clear it. */
#define FPGAQ_ERRORS 0x1cu
#define FPGAQ_ERRORS_SHORT_SHIFT 0u
#define FPGAQ_ERRORS_SHORT_MASK 0x00000001u
#define FPGAQ_ERRORS_LONG_SHIFT 1u
#define FPGAQ_ERRORS_LONG_MASK 0x00000002u
#define FPGAQ_ERRORS_CUT_SHIFT 2u
#define FPGAQ_ERRORS_CUT_MASK 0x00000004u
#define FPGAQ_ERRORS_SENDER_SHIFT 3u
#define FPGAQ_ERRORS_SENDER_MASK 0x00000008u
#define FPGAQ_ERRORS_CORE_SHIFT 4u
#define FPGAQ_ERRORS_CORE_MASK 0x00000010u
#define FPGAQ_ERRORS_IMAGE_SHIFT 5u
#define FPGAQ_ERRORS_IMAGE_MASK 0x00000020u

/* SHA-256 of the integer network, eight words, its first byte in the high byte of the first word. */
#define FPGAQ_DIGEST 0x20u
#define FPGAQ_DIGEST_WORDS 8u

/* Frames that ended at the input; wraps round. */
#define FPGAQ_FRAMES_IN 0x40u

/* Frames that left; wraps round. */
#define FPGAQ_FRAMES_OUT 0x44u

/* Frames that ended at the input and were damaged; wraps round. */
#define FPGAQ_FRAMES_DAMAGED 0x48u

/* Cycles between the last beats of the last two output frames; stays at its maximum. */
#define FPGAQ_FRAME_CYCLES 0x4cu

/* The most cycles in a row in which a beat of the output waited; stays at its maximum. */
#define FPGAQ_LONGEST_STALL 0x50u

/* Takes an image of weights, a word a write, after `control.load`. */
#define FPGAQ_IMAGE 0x54u

#endif
