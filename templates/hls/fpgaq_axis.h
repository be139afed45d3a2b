// SPDX-License-Identifier: 0BSD
// The AXI4-Stream ports: elements extended to whole bytes, tlast with a frame's last beat.
#ifndef FPGAQ_AXIS_H
#define FPGAQ_AXIS_H

#include "fpgaq_types.h"

namespace fpgaq {

// tdata has the elements side by side, lane 0 in the low bits, as interface.json says. The vendor's types make it one
// integer: a struct of ap_int<24> would have the gaps that C puts there.
#ifdef FPGAQ_VENDOR
template <class P>
using Data = ap_uint<P::lanes * P::Element::width>;
template <class P>
using Transfer = hls::axis<Data<P>, 0, 0, 0>;
template <class P>
typename P::Element get_lane(const Data<P>& data, int lane) {
  FPGAQ_HLS(INLINE)  // wires
  typename P::Element element;
  element.range(P::Element::width - 1, 0) = data.range((lane + 1) * P::Element::width - 1, lane * P::Element::width);
  return element;
}
template <class P>
void set_lane(Data<P>& data, int lane, typename P::Element element) {
  FPGAQ_HLS(INLINE)  // wires
  data.range((lane + 1) * P::Element::width - 1, lane * P::Element::width) = element.range(P::Element::width - 1, 0);
}
template <class P>
using PortChannel = hls::stream<Transfer<P>>;
template <class P>
void mark(Transfer<P>& transfer) {
  transfer.keep = -1;
  transfer.strb = -1;
}
#else
template <class P>
using Data = Beat<P>;
template <class P>
struct Transfer {
  Data<P> data;
  ap_uint<1> last;
};
template <class P>
typename P::Element get_lane(const Data<P>& data, int lane) {
  return data.lane[lane];
}
template <class P>
void set_lane(Data<P>& data, int lane, typename P::Element element) {
  data.lane[lane] = element;
}
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
      data.lane[lane] = typename Out::Element(get_lane<P>(transfer.data, lane));
    }
    sink.write(data);
  }
}

// From the network to a port.
template <class P, class In>
void send(hls::stream<Beat<In>>& source, hls::stream<Transfer<P>>& port) {
beats:
  for (int beat = 0; beat < P::frame_beats; ++beat) {
    FPGAQ_HLS(PIPELINE II = 1)  // a beat each cycle
    const Beat<In> data = source.read();
    Transfer<P> transfer;
  lanes:
    for (int lane = 0; lane < P::lanes; ++lane) {
      FPGAQ_HLS(UNROLL)  // all lanes at once: these are wires
      set_lane<P>(transfer.data, lane, typename P::Element(data.lane[lane]));
    }
    mark<P>(transfer);
    transfer.last = beat == P::frame_beats - 1;
    port.write(transfer);
  }
}

}  // namespace fpgaq

#endif
