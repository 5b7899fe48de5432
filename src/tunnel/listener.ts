import { inOnePiece, type Pieces } from '../core/pieces.ts';
import { discard } from './discard.ts';
import { type AnswerFrame, encodeDelivery, type Frame, nextNumber } from './frames.ts';
import { CLOSE, type Link } from './link.ts';

/** A listener that is attached to a channel, as the relay sees it. */
export class Listener {
  readonly link: Link;
  /** The listener's own random name. */
  readonly session: string;
  /** Whether it lets others listen beside it. */
  readonly shares: boolean;
  readonly since: number;
  /** True once it has proved the path and takes deliveries. */
  open = false;
  #number = 0;
  readonly #awaited = new Map<number, (answer: AnswerFrame | null) => void>();

  constructor(link: Link, about: { session: string; shares: boolean; since: number }) {
    this.link = link;
    this.session = about.session;
    this.shares = about.shares;
    this.since = about.since;
  }

  /**
   * Hands a delivery on. Resolves to what the listener answered; null where the link ended before it did. The content
   * is not the caller's any more: it may be discarded once it is sent.
   */
  deliver(content: Pieces, about: { kept: boolean; receivedAt: number }): Promise<AnswerFrame | null> {
    if (this.link.ended) return Promise.resolve(null);
    this.#number = nextNumber(this.#number);
    const number = this.#number;
    const frame = encodeDelivery({ number, copy: false, ...about, content });
    if (frame.length === 1) this.link.send(frame[0]);
    else void this.link.sendPieces(frame).then(() => discard(content));
    return new Promise((resolve) => this.#awaited.set(number, resolve));
  }

  /**
   * The same for one whose answer is nobody's. One for whom more than `mayWait` bytes wait does not keep up: it is sent
   * away, which it can see (fault F14).
   */
  deliverCopy(content: Pieces, { receivedAt, mayWait }: { receivedAt: number; mayWait: number }): void {
    if (this.link.buffered > mayWait)
      return this.link.close(CLOSE.slow, 'too slow for what it shares: its copies filled the link');
    this.#number = nextNumber(this.#number);
    const about = { number: this.#number, copy: true, kept: false, receivedAt };
    this.link.send(inOnePiece(encodeDelivery({ ...about, content })));
  }

  /** Takes what came over the link. An answer that nobody waits for any more is of no use. */
  take(frames: Frame[]): void {
    for (const frame of frames) {
      if (frame.kind !== 'answer') continue;
      const resolve = this.#awaited.get(frame.number);
      this.#awaited.delete(frame.number);
      resolve?.(frame);
    }
  }

  /** The link has ended: nothing under way will be answered. */
  lost(): void {
    for (const resolve of this.#awaited.values()) resolve(null);
    this.#awaited.clear();
  }
}
