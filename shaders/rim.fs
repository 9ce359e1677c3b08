/*{
    "DESCRIPTION": "Light from behind: beams that stream past the bodies through haze, and a thin lit edge on them.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Generator", "Glow", "Silhouette"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "light", "LABEL": "Where the light is", "TYPE": "point2D", "DEFAULT": [0.5, 0.62], "MIN": [0.0, 0.0], "MAX": [1.0, 1.0]},
        {"NAME": "hue", "LABEL": "Hue: amber, ember, violet, tide", "TYPE": "float", "DEFAULT": 0.1, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "beams", "LABEL": "Beams", "TYPE": "float", "DEFAULT": 0.6, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "edge", "LABEL": "Lit edge", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0}
    ],
    "PASSES": [
        {"TARGET": "lamp", "WIDTH": "floor($WIDTH/5)", "HEIGHT": "floor($HEIGHT/5)", "FLOAT": true},
        {"TARGET": "near", "WIDTH": "floor($WIDTH/5)", "HEIGHT": "floor($HEIGHT/5)", "FLOAT": true},
        {"TARGET": "beam", "WIDTH": "floor($WIDTH/5)", "HEIGHT": "floor($HEIGHT/5)", "FLOAT": true},
        {}
    ],
    "DANCENET": {"PLACE": 10}
}*/
// Beams are the lamp, with what stands before it, smeared away from where it is: twice twelve samples reach as far
// as 144, at a fifth of the size.

vec3 light_of(float hue, float light) {
    vec3 night = vec3(0.018, 0.020, 0.042);
    float h = clamp(hue, 0.0, 1.0) * 3.0;
    vec3 body = mix(mix(mix(vec3(0.98, 0.56, 0.22), vec3(1.0, 0.353, 0.212), clamp(h, 0.0, 1.0)), vec3(0.42, 0.33, 0.95), clamp(h - 1.0, 0.0, 1.0)), vec3(0.10, 0.62, 0.74), clamp(h - 2.0, 0.0, 1.0));
    vec3 deep = mix(mix(vec3(0.30, 0.08, 0.10), vec3(0.16, 0.07, 0.30), clamp(h - 0.5, 0.0, 1.0)), vec3(0.02, 0.12, 0.26), clamp(h - 2.0, 0.0, 1.0));
    vec3 colour = mix(night, deep, smoothstep(0.0, 0.35, light));
    colour = mix(colour, body, smoothstep(0.22, 0.80, light));
    return mix(colour, vec3(1.0, 0.95, 0.86), smoothstep(0.72, 1.25, light));
}

float lattice(float cell) {
    float h = fract(mod(cell, 16.0) * 0.1731);
    return fract((h + 3.7) * (h + 19.37) * h * 7.13);
}

float ray_noise(float place) {
    float cell = floor(place), t = place - cell;
    return mix(lattice(cell), lattice(cell + 1.0), t * t * (3.0 - 2.0 * t));
}

void main() {
    vec2 place = isf_FragNormCoord;
    float aspect = RENDERSIZE.x / RENDERSIZE.y;
    vec2 away = place - light;
    vec2 d = away * vec2(aspect, 1.0);
    float far = length(d);
    if (PASSINDEX == 0) {
        float breath = sin(6.2831853 * fract(TIME / 17.0));
        float lamp_light = exp(-far * far * (34.0 - 3.0 * breath)) + 0.42 * exp(-far * 3.0);
        gl_FragColor = vec4(lamp_light * (1.0 - IMG_NORM_PIXEL(inputImage, place).a), lamp_light, 0.0, 1.0);
        return;
    }
    if (PASSINDEX < 3) {
        // First in short steps, then in long ones over what those have smeared already.
        float reach = PASSINDEX == 1 ? 0.10 : 0.86, sum = 0.0, weights = 0.0;
        for (int i = 0; i < 14; i++) {
            float t = float(i) / 14.0;
            vec2 at = light + away * (1.0 - reach * t);
            float weight = PASSINDEX == 1 ? 1.0 : exp(-1.6 * t);
            sum += weight * (PASSINDEX == 1 ? IMG_NORM_PIXEL(lamp, at).r : IMG_NORM_PIXEL(near, at).r);
            weights += weight;
        }
        // The haze is thicker here, thinner there: beams within the beams.
        float turn = PASSINDEX == 1 ? 0.0 : atan(d.y, d.x) * 2.5464791;      // -8..8, and round about the same
        float rays = PASSINDEX == 1 ? 1.0 : 0.82 + 0.36 * ray_noise(turn + 8.0 + 16.0 * fract(TIME / 240.0));
        gl_FragColor = vec4(sum / weights * rays, 0.0, 0.0, 1.0);
        return;
    }
    vec4 source = IMG_THIS_PIXEL(inputImage);
    float sky = IMG_NORM_PIXEL(lamp, place).g;
    float beam_light = IMG_NORM_PIXEL(beam, place).r;
    // The edge that the light meets: where a step towards it leaves the body.
    vec2 step = -d / max(far, 0.001) * 0.0055 / vec2(aspect, 1.0);
    float open = (1.0 - IMG_NORM_PIXEL(inputImage, place + step).a) + 0.5 * (1.0 - IMG_NORM_PIXEL(inputImage, place + step * 2.2).a);
    float lit = source.a * open * edge * exp(-far * 1.1);
    float air = clamp(1.0 - source.r / max(source.a, 0.01), 0.0, 1.0);
    float haze = beam_light * (0.35 + 1.5 * beams);
    float behind = sky * 0.72 + haze * 0.9;
    float before = haze * (0.15 + 2.6 * air) + lit * 0.9;
    float level = mix(behind, before, source.a);
    float dither = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    gl_FragColor = vec4(light_of(hue, level) + (dither - 0.5) / 255.0, 1.0);
}
