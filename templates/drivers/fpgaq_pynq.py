# SPDX-License-Identifier: 0BSD
"""A network on a Zynq under PYNQ: AXI DMA to its streams, registers by MMIO. Needs pynq, numpy and fpgaq_host.py.

    overlay = pynq.Overlay("design.bit")
    network = OverlayNetwork(overlay.axi_dma_0, overlay.eye_0, "interface.json")
    outputs = network.run(samples)

Not run on a board here: a test drives it with stand-ins for pynq.
"""

import numpy as np
from fpgaq_host import Network, Registers


class OverlayNetwork:
    """A network of an overlay, whose streams `dma` serves and whose registers are those of `core`."""

    def __init__(self, dma, core, interface, digest=None):
        self.network = Network(interface, digest)
        self.registers = Registers(core.read, core.write)
        self.registers.check(self.network)
        self._dma = dma

    def run(self, samples):
        """The outputs of samples, (frames, *model_shape), as real values; RuntimeError if a frame was damaged."""
        from pynq import allocate

        source = allocate(shape=(self.network.input_bytes,), dtype=np.uint8)
        result = allocate(shape=(self.network.output_bytes,), dtype=np.uint8)
        received = []
        self.registers.clear()
        try:
            for sample in np.asarray(samples):
                source[:] = np.frombuffer(self.network.pack(sample[None]), dtype=np.uint8)
                source.flush()
                self._dma.recvchannel.transfer(result)
                self._dma.sendchannel.transfer(source)
                self._dma.sendchannel.wait()
                self._dma.recvchannel.wait()
                result.invalidate()
                received.append(bytes(result))
        finally:
            source.freebuffer()
            result.freebuffer()
        if self.registers.errors:
            raise RuntimeError(f"damaged frames: {', '.join(self.registers.errors)}")
        return self.network.unpack(b"".join(received))
