import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** A dialog over the page: the browser keeps the focus in it, and Escape closes it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: ComponentChildren;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    element.current?.showModal();
    return () => {
      // It may go by itself, with the address: then the browser does not put the focus back to where it was.
      if (!gone.current) before?.focus();
      gone.current = true;
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby="dialog-title"
      onClose={() => {
        if (gone.current) return;
        gone.current = true;
        onClose();
      }}
      onMouseDown={({ clientX, clientY }) => {
        const dialog = element.current as HTMLDialogElement;
        const { left, right, top, bottom } = dialog.getBoundingClientRect();
        if (clientX < left || clientX > right || clientY < top || clientY > bottom) dialog.close();
      }}
    >
      <div class="sheet">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <button type="button" class="button" onClick={() => element.current?.close()}>
            Close
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
