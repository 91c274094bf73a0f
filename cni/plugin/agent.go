package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// The form of request and reply. The agent refuses a form that it does not know.
	protocol = 1
	// While an agent restarts, its socket is away for a moment: worth waiting for, and short enough to say so in time.
	usualPatience   = 5 * time.Second
	longestPatience = 2 * time.Minute
	firstPause      = 20 * time.Millisecond
	longestPause    = 500 * time.Millisecond
	answerTimeout   = 10 * time.Second
	maxReplyBytes   = 4 << 20
)

// request is the one message that goes to the agent; then this side closes for writing.
type request struct {
	Protocol    int    `json:"protocol"`
	Command     string `json:"command"`
	ContainerID string `json:"containerId"`
	Netns       string `json:"netns"`
	Ifname      string `json:"ifname"`
	Args        string `json:"args"`
	// Standard input as it came.
	Config string `json:"config"`
}

// reply is the one message that comes back: all is well, or an error to print.
type reply struct {
	OK    bool      `json:"ok"`
	Error *cniError `json:"error"`
}

// patienceOf is how long the agent is asked again when it does not answer.
func patienceOf(config *configuration) time.Duration {
	if config.AgentPatienceMs == nil {
		return usualPatience
	}
	wanted := min(max(*config.AgentPatienceMs, 0), longestPatience.Milliseconds())
	return time.Duration(wanted) * time.Millisecond
}

// askAgent tries until the agent answers or patience ends. ADD and CHECK can be asked twice.
func askAgent(runDirectory string, patience time.Duration, message request) error {
	if !filepath.IsAbs(runDirectory) {
		return fail(codeInvalidConfig, "run_directory is not an absolute path", runDirectory)
	}
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	socket := filepath.Join(runDirectory, "agent.sock")
	started := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		answered, err := exchange(socket, text)
		switch {
		case err != nil:
		case answered.OK:
			return nil
		default:
			return answered.Error
		}
		if time.Since(started)+pause > patience {
			return unavailable(socket, time.Since(started), err)
		}
		time.Sleep(pause)
	}
}

// unavailable is what the Pod's event shows, so it says what to do.
func unavailable(socket string, waited time.Duration, cause error) error {
	return fail(codeTryAgain,
		fmt.Sprintf("the Outrigger node agent did not answer on %s for %.1f s", socket, waited.Seconds()),
		fmt.Sprintf("%v; a Pod with a sidecar must not start without its rules, so this is tried again: look at the agent's Pod on this node (label app=outrigger-cni)", cause))
}

func exchange(socket string, text []byte) (*reply, error) {
	connection, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	stream := connection.(*net.UnixConn)
	if err := checkPeer(stream); err != nil {
		return nil, err
	}
	if err := stream.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	if _, err := stream.Write(text); err != nil {
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	return readReply(stream)
}

func readReply(stream io.Reader) (*reply, error) {
	text, err := io.ReadAll(io.LimitReader(stream, maxReplyBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, errors.New("it closed the connection without an answer")
	}
	answered := &reply{}
	if err := json.Unmarshal(text, answered); err != nil {
		return nil, fmt.Errorf("its answer cannot be read: %w", err)
	}
	if !answered.OK && answered.Error == nil {
		return nil, errors.New("its answer says neither that all is well nor what is wrong")
	}
	return answered, nil
}

// checkPeer refuses a listener that runs as another user: only the agent, as root like this program, may answer.
func checkPeer(stream *net.UnixConn) error {
	raw, err := stream.SyscallConn()
	if err != nil {
		return err
	}
	var peer *syscall.Ucred
	var peerError error
	if err := raw.Control(func(fd uintptr) {
		peer, peerError = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if peerError != nil {
		return peerError
	}
	if int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("it runs as user %d, not as %d", peer.Uid, os.Geteuid())
	}
	return nil
}
