// SPDX-License-Identifier: 0BSD
#include "fpgaq.h"

#include "fpgaq_registers.h"

static uint32_t get(const fpgaq_device *device, uint32_t offset)
{
    return device->read(device->context, offset);
}

static void order(const fpgaq_device *device, uint32_t bits)
{
    /* What can be read of `control` stays as it is. */
    uint32_t kept = get(device, FPGAQ_CONTROL) & FPGAQ_CONTROL_MARK_MASK;
    device->write(device->context, FPGAQ_CONTROL, kept | bits);
}

fpgaq_status fpgaq_probe(const fpgaq_device *device, const fpgaq_network *network)
{
    uint32_t major;
    uint32_t word;

    if (get(device, FPGAQ_MAGIC) != FPGAQ_MAGIC_VALUE)
        return FPGAQ_NO_CORE;
    major = (get(device, FPGAQ_VERSION) & FPGAQ_VERSION_MAJOR_MASK) >> FPGAQ_VERSION_MAJOR_SHIFT;
    if (major != FPGAQ_VERSION_MAJOR)
        return FPGAQ_OTHER_VERSION;
    for (word = 0; word < 8; word++)
        if (get(device, FPGAQ_DIGEST + 4u * word) != network->digest[word])
            return FPGAQ_OTHER_NETWORK;
    if (get(device, FPGAQ_INPUT_BYTES) != network->input_bytes)
        return FPGAQ_OTHER_NETWORK;
    if (get(device, FPGAQ_OUTPUT_BYTES) != network->output_bytes)
        return FPGAQ_OTHER_NETWORK;
    return FPGAQ_OK;
}

fpgaq_status fpgaq_load(const fpgaq_device *device, const uint32_t *words, size_t count, unsigned long patience)
{
    size_t place;

    device->write(device->context, FPGAQ_ERRORS, FPGAQ_ERRORS_IMAGE_MASK);
    order(device, FPGAQ_CONTROL_LOAD_MASK);
    while ((get(device, FPGAQ_STATUS) & FPGAQ_STATUS_IMAGE_WANTED_MASK) == 0u)
        if (patience-- == 0u)
            return FPGAQ_NOT_IDLE;
    for (place = 0; place < count; place++)
        device->write(device->context, FPGAQ_IMAGE, words[place]);
    if ((get(device, FPGAQ_STATUS) & FPGAQ_STATUS_LOADED_MASK) == 0u)
        return FPGAQ_REFUSED;
    return FPGAQ_OK;
}

void fpgaq_reset(const fpgaq_device *device)
{
    order(device, FPGAQ_CONTROL_RESET_MASK);
}

void fpgaq_clear(const fpgaq_device *device)
{
    order(device, FPGAQ_CONTROL_CLEAR_MASK);
    device->write(device->context, FPGAQ_ERRORS, 0xffffffffu);
}

void fpgaq_mark_damaged(const fpgaq_device *device, int mark)
{
    device->write(device->context, FPGAQ_CONTROL, mark ? FPGAQ_CONTROL_MARK_MASK : 0u);
}

int fpgaq_busy(const fpgaq_device *device)
{
    return (get(device, FPGAQ_STATUS) & FPGAQ_STATUS_BUSY_MASK) != 0u;
}

void fpgaq_read_counters(const fpgaq_device *device, fpgaq_counters *counters)
{
    counters->frames_in = get(device, FPGAQ_FRAMES_IN);
    counters->frames_out = get(device, FPGAQ_FRAMES_OUT);
    counters->frames_damaged = get(device, FPGAQ_FRAMES_DAMAGED);
    counters->frame_cycles = get(device, FPGAQ_FRAME_CYCLES);
    counters->longest_stall = get(device, FPGAQ_LONGEST_STALL);
    counters->errors = get(device, FPGAQ_ERRORS);
}

fpgaq_status fpgaq_pack(const int64_t *elements, size_t count, unsigned slot_bytes, int is_signed, uint8_t *bytes)
{
    size_t place;
    unsigned byte;

    for (place = 0; place < count; place++) {
        uint64_t word = (uint64_t)elements[place];
        if (slot_bytes < 8u) {
            /* In range if the bits above are all equal to the sign, or to zero. */
            uint64_t above = word >> (8u * slot_bytes - (is_signed ? 1u : 0u));
            uint64_t ones = UINT64_MAX >> (8u * slot_bytes - (is_signed ? 1u : 0u));
            if (above != 0u && !(is_signed && above == ones))
                return FPGAQ_OUT_OF_RANGE;
        }
        for (byte = 0; byte < slot_bytes; byte++)
            *bytes++ = (uint8_t)(word >> (8u * byte));
    }
    return FPGAQ_OK;
}

void fpgaq_unpack(const uint8_t *bytes, size_t count, unsigned slot_bytes, int is_signed, int64_t *elements)
{
    size_t place;
    unsigned byte;

    for (place = 0; place < count; place++) {
        uint64_t word = 0;
        for (byte = 0; byte < slot_bytes; byte++)
            word |= (uint64_t)*bytes++ << (8u * byte);
        if (is_signed && slot_bytes < 8u && ((word >> (8u * slot_bytes - 1u)) & 1u) != 0u)
            word |= UINT64_MAX << (8u * slot_bytes);
        elements[place] = (int64_t)word;
    }
}

size_t fpgaq_argmax(const int64_t *elements, size_t count)
{
    size_t best = 0;
    size_t place;

    for (place = 1; place < count; place++)
        if (elements[place] > elements[best])
            best = place;
    return best;
}
