// SPDX-License-Identifier: 0BSD
// The AXI4-Stream ports: elements extended to whole bytes, tlast with a frame's last beat.
#ifndef FPGAQ_AXIS_H
#define FPGAQ_AXIS_H

#include "fpgaq_types.h"

namespace fpgaq {

#ifdef FPGAQ_VENDOR
template <class P>
using Transfer = hls::axis<Beat<P>, 0, 0, 0>;
template <class P>
using PortChannel = hls::stream<Transfer<P>>;
template <class P>
void mark(Transfer<P>& transfer) {
  transfer.keep = -1;
  transfer.strb = -1;
}
#else
template <class P>
struct Transfer {
  Beat<P> data;
  ap_uint<1> last;
};
template <class P>
struct PortChannel : hls::stream<Transfer<P>> {
  explicit PortChannel(const char* name) : hls::stream<Transfer<P>>(storage, P::frame_beats, name) {}
  inline static Transfer<P> storage[P::frame_beats];
};
template <class P>
void mark(Transfer<P>&) {}
#endif

// From a port into the network. Frames are counted; the tlast that comes in is not looked at.
template <class P, class Out>
void receive(hls::stream<Transfer<P>>& port, hls::stream<Beat<Out>>& sink) {
beats:
  for (int beat = 0; beat < P::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const Transfer<P> transfer = port.read();
    Beat<Out> data;
  lanes:
    for (int lane = 0; lane < P::lanes; ++lane) {
      FPGAQ_HLS(UNROLL)  // all lanes at once: these are wires
      data.lane[lane] = typename Out::Element(transfer.data.lane[lane]);
    }
    sink.write(data);
  }
}

// From the network to a port.
template <class In, class P>
void send(hls::stream<Beat<In>>& source, hls::stream<Transfer<P>>& port) {
beats:
  for (int beat = 0; beat < P::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const Beat<In> data = source.read();
    Transfer<P> transfer;
  lanes:
    for (int lane = 0; lane < P::lanes; ++lane) {
      FPGAQ_HLS(UNROLL)  // all lanes at once: these are wires
      transfer.data.lane[lane] = typename P::Element(data.lane[lane]);
    }
    mark<P>(transfer);
    transfer.last = beat == P::frame_beats - 1;
    port.write(transfer);
  }
}

}  // namespace fpgaq

#endif
