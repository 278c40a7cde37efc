package pipeline

import (
	"context"
	"errors"
)

// picture gives a message the id of its picture, which is stored with the provider if it is not there. ready is false when the
// notification has been settled or put off here.
func (d *Dispatch) picture(ctx context.Context, n DueNotification, to Private, p *Picture, aside func(work func()) bool) (ready bool, err error) {
	if d.Pictures == nil {
		return false, d.skip(ctx, n, ReasonNoPicture, nil)
	}
	if p.MediaID = d.Pictures.id(p.Name, d.Now()); p.MediaID != "" {
		p.known = true
		return true, nil
	}
	why, slow, done, err := d.besides(ctx, n, aside, func() (Reason, error) { return d.bringPicture(ctx, p) })
	switch {
	case !done:
		return false, nil
	case err != nil || why != ReasonNone:
		return false, d.skip(ctx, n, why, err)
	case slow:
		_, to, err = d.again(ctx, n, to)
		return err == nil && !to.Empty(), err
	}
	return true, nil
}

// bringPicture stores a picture with the provider.
func (d *Dispatch) bringPicture(ctx context.Context, p *Picture) (Reason, error) {
	limited, cancel := context.WithTimeout(ctx, attachTimeout)
	defer cancel()
	id, err := d.Pictures.store(limited, d.Channel, p.Name, d.Now())
	var e *Error
	switch {
	case err == nil:
		p.MediaID = id
		return ReasonNone, nil
	case errors.Is(err, errNoPicture):
		d.Log.Error("a picture of the configuration cannot be read, or is none", "picture", d.Pictures.Entries[p.Name], "error", err)
		return ReasonNoPicture, nil
	case KindOf(err) == Refused, KindOf(err) == Malformed, errors.As(err, &e) && e.Halt: // messages may go out all the same: a picture stops no channel
		d.Log.Error("a picture of the configuration is not taken by the provider", "picture", d.Pictures.Entries[p.Name], "error", err)
		return ReasonBadPicture, nil
	}
	return ReasonNone, err
}

// pictureLost makes a message that was refused, perhaps because the provider does not have its picture any more, be sent again with the
// picture stored anew. One that was stored for this very message is not stored again.
func (d *Dispatch) pictureLost(s Settlement, p *Picture) Settlement {
	if p == nil || !unknownMedia[s.Code] {
		return s
	}
	d.Pictures.forget(p.Name, p.MediaID)
	if s.State == Failed && p.known {
		s.State, s.Reason, s.Due = Planned, ReasonTransient, s.At
	}
	return s
}
