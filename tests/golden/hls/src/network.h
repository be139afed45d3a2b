// Network random 7: the top function and its ports.
// Made by fpgaq from integer network 12d396f653e9b03210270ad337f6c6a04a9eef96ed5b6e72b5d9f5c1ca41f4ff.
#ifndef NETWORK_RANDOM_7_H
#define NETWORK_RANDOM_7_H

#include "fpgaq_axis.h"

namespace network_random_7_parts {

// Ports: elements in whole bytes; rows, columns, channels; elements of a beat.
struct SAxis : fpgaq::Stream<ap_uint<8>, 6, 6, 2, 1> {};
struct MAxis : fpgaq::Stream<ap_int<16>, 1, 1, 3, 1> {};

}  // namespace network_random_7_parts

// One call takes one frame from every input port and gives one to every output port.
void network_random_7(
    hls::stream<fpgaq::Transfer<network_random_7_parts::SAxis>>& s_axis,
    hls::stream<fpgaq::Transfer<network_random_7_parts::MAxis>>& m_axis);

#endif
