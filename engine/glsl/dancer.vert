#version 330 core
// One dancer of a company: an upright box of pixels around the body, drawn as four vertices without a buffer.

uniform vec2 size;  // of the picture, pixels

in vec4 box;        // left, top, right, bottom; pixels from the picture's top left
in vec4 placing;    // the field's origin and scale, as in dancer.frag
in vec3 look;       // layer, tone, presence

flat out vec2 origin;
flat out vec2 scale;
flat out float layer;
flat out float tone;
flat out float presence;

void main() {
    vec2 corner = vec2(gl_VertexID % 2 == 0 ? box.x : box.z, gl_VertexID < 2 ? box.y : box.w);
    gl_Position = vec4(corner.x / size.x * 2.0 - 1.0, 1.0 - corner.y / size.y * 2.0, 0.0, 1.0);
    origin = placing.xy;
    scale = placing.zw;
    layer = look.x;
    tone = look.y;
    presence = look.z;
}
