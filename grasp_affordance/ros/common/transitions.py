"""A lifecycle node refuses a transition that is impossible in its state.

rclpy (seen with Jazzy's 7.1.6) raises in the service's callback instead, which ends the executor
and with it the process: `activate` sent to an active node, from an impatient or a second manager,
would stop a robot's node in mid-motion.
"""

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode


def refuse_impossible_transitions(node: LifecycleNode) -> None:
    """Make a node answer impossible transitions with `success` false, and live on."""
    machine, service = node._state_machine, node._service_change_state
    change_state = service.callback

    def change_if_possible(
        request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        asked = request.transition
        possible = {(number, label) for number, label, *_ in machine.available_transitions}
        # As rclpy does: a label, where there is one, counts more than the number.
        if any(asked.label == label if asked.label else asked.id == n for n, label in possible):
            return change_state(request, response)
        state, what = machine.current_state[1], asked.label or asked.id
        node.get_logger().warning(f"transition {what} is impossible while {state}: refused")
        response.success = False
        return response

    service.callback = change_if_possible
